// Makes what internal/web/static holds, from the packages beside this file. Run it with `make style`.
// node build.mjs DIR writes elsewhere: a test compares that with what is committed.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync, mkdirSync, copyFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

const here = path.dirname(fileURLToPath(import.meta.url))
const out = path.resolve(process.argv[2] ?? path.join(here, '../static'))
const from = (p) => path.join(here, 'node_modules', p)
mkdirSync(path.join(out, 'fonts'), { recursive: true })

for (const [font, file] of [['geist', 'geist-latin-wght-normal.woff2'], ['geist-mono', 'geist-mono-latin-wght-normal.woff2']])
  copyFileSync(from(`@fontsource-variable/${font}/files/${file}`), path.join(out, 'fonts', file))
writeFileSync(path.join(out, 'htmx.js'), readFileSync(from('htmx.org/dist/htmx.min.js'), 'utf8').replace(/\n?\/\/# sourceMappingURL.*/, ''))

execFileSync(process.execPath, [from('@tailwindcss/cli/dist/index.mjs'), '-i', path.join(here, 'input.css'), '-o', path.join(out, 'baton.css'), '--optimize' /* line by line, so that two changes can be merged; it is packed when it is sent */],
  { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] })

// The icons that pages name: icon("phone") in a template, Icon: "phone" in Go.
const names = new Set()
const web = path.join(here, '..')
for (const file of readdirSync(web)) {
  const pattern = file.endsWith('.templ') ? /\bicon\w*\("([a-z0-9-]+)"/g : file.endsWith('.go') && !file.endsWith('_templ.go') && !file.endsWith('_test.go') ? /\bIcon: +"([a-z0-9-]+)"/g : null
  if (pattern) for (const m of readFileSync(path.join(web, file), 'utf8').matchAll(pattern)) names.add(m[1])
}
const icons = {}
for (const name of [...names].sort())
  icons[name] = readFileSync(from(`lucide-static/icons/${name}.svg`), 'utf8').replace(/<!--.*?-->/gs, '').replace(/^\s*<svg[^>]*>/s, '').replace(/<\/svg>\s*$/, '').replace(/\s*\n\s*/g, '').replace(/ \/>/g, '/>').trim()
writeFileSync(path.join(out, 'icons.json'), JSON.stringify(icons, null, 1) + '\n')
