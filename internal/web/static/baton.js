// What the pages do beyond forms and links: keys, menus, undo, live. All of it is a comfort: without it each form still works.
(() => {
  'use strict'
  const $ = (sel, in_ = document) => in_.querySelector(sel)
  const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)]
  const say = (text, now) => { const at = $(now ? '#assertive' : '#polite'); if (at) { at.textContent = ''; at.textContent = text } }

  // Rows: J and K walk them; the row that has the focus is the one that other keys are about.
  const rows = () => $$('[data-row]').filter((r) => !r.hidden)
  const current = () => document.activeElement?.closest('[data-row]') ?? $('[data-row].here') ?? $('[data-next]')
  const go = (row, scroll = true) => {
    if (!row) return
    $$('.here').forEach((r) => r.classList.remove('here'))
    row.classList.add('here')
    row.focus({ preventScroll: true })
    if (scroll) row.scrollIntoView({ block: 'nearest' })
    brief(row.dataset.row)
  }
  // The brief beside the list is that of the row one is at.
  let briefed, briefTimer
  const brief = (id) => {
    const at = $('#brief')
    if (!at || !/^\d+$/.test(id) || at.offsetParent === null) return
    clearTimeout(briefTimer)
    briefTimer = setTimeout(async () => {
      const changed = briefed !== id
      briefed = id
      const slow = changed && setTimeout(() => { if (briefed === id) $('#brief')?.replaceChildren($('#waiting').content.cloneNode(true)) }, 150)
      const answer = await fetch(`/leads/${id}/brief`, { credentials: 'same-origin' }).catch(() => null)
      const text = answer?.ok ? await answer.text() : ''
      clearTimeout(slow)
      const at = $('#brief')
      if (!at || briefed !== id) return
      if (text) at.innerHTML = text
      else if ($('.bone', at)) at.textContent = ''
    }, 120)
  }
  document.addEventListener('focusin', (e) => {
    const row = e.target.closest?.('[data-row]')
    if (row && !row.classList.contains('here')) { $$('.here').forEach((r) => r.classList.remove('here')); row.classList.add('here'); brief(row.dataset.row) }
  })
  const step = (by) => { const list = rows(), at = list.indexOf(current()); go(list[Math.max(0, Math.min(list.length - 1, at < 0 ? 0 : at + by))]) }

  // Forms that are marked quick are sent behind the page, which then shows how things stand.
  let asking = 0, turn = 0
  const swap = (fresh, url, sent, was) => {
    const main = $('#main', fresh), itself = !sent
    if (!main) { location.href = url; return }
    const list = rows(), here = current(), at = here ? list.indexOf(here) : -1, id = here?.dataset.row
    const had = !!document.activeElement?.closest('#main'), stands = standing()
    const before = new Map(list.map((r) => [r.dataset.row, r.dataset.clock])), same = location.pathname === new URL(url, location).pathname
    const toast = was ?? (itself && $('#toast')) // what an act led to stays as long as it would have
    document.title = fresh.title
    if (!same) { history.pushState(null, '', url); shown = location.pathname } // a form led to another page
    for (const of of ['live', 'mark', 'page']) document.body.dataset[of] = fresh.body.dataset[of] ?? ''
    $('#main').replaceWith(main)
    if (toast && !$('#toast')) main.prepend(toast)
    if (waiting) { // it can be undone still
      const said = $('#toast')
      if (said) { say(said.innerText); said.remove() }
      waiting.row = waiting.row && rows().find((r) => r.dataset.row === waiting.row.dataset.row)
      if (waiting.row) waiting.row.hidden = true
      main.prepend(waiting.bar)
    }
    if (same && $('[data-list]')) fresher(rows().filter((r) => !before.has(r.dataset.row)))
    for (const sel of ['.rail nav', '.topbar h1', '.topbar .state', '.topbar .outlets', '.tabbar']) { const a = $(sel), b = $(sel, fresh); if (a && b && a.outerHTML !== b.outerHTML) a.replaceWith(b) }
    window.htmx?.process?.(main)
    if (same) stands.opened(sent)
    const row = rows().find((r) => r.dataset.row === id) ?? rows()[Math.max(0, at)]
    if (!(same && stands.focused())) {
      if (row && (had || at >= 0 && !itself)) go(row, row.dataset.row !== id)
      else if (row && at >= 0) { row.classList.add('here'); brief(row.dataset.row) }
      else if (had) $('#main').focus({ preventScroll: true })
    } else if (row && !row.matches(':focus-within')) { row.classList.add('here'); brief(row.dataset.row) }
    if (same && row?.matches('[data-next]') && row.dataset.row !== id) scrollTo({ top: 0, behavior: 'instant' }) // another one is at hand
    if (same) told(before)
    arrived()
    listen()
  }
  let shown = location.pathname, listen // to what the page is told of
  addEventListener('popstate', () => { if (location.pathname !== shown) { shown = location.pathname; load(location.href) } })

  // What somebody has open, has selected and has begun to fill in, how far they scrolled and where the focus is stays so when the page comes back: found again by where
  // it stands and what it says.
  const standing = () => {
    const where = (e) => e.closest('[data-row]')?.dataset.row ?? e.closest('[aria-labelledby]')?.getAttribute('aria-labelledby') ?? ''
    const folds = () => $$('#main details:not(.menu)')
    const key = (d, all) => d.dataset.keep ?? `${where(d)}/${all.filter((o) => where(o) === where(d)).indexOf(d)}`
    const scrolls = () => $$('#main [tabindex="0"]')
    const reach = () => $$('#main :is(a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]), .rail nav a, .tabbar :is(a, summary, button)')
    const sign = (e) => [e.tagName, e.id, where(e), e.getAttribute('href'), e.name, e.type === 'radio' || e.tagName === 'BUTTON' ? e.value : '', e.dataset.do, e.tagName === 'A' || e.tagName === 'SUMMARY' ? '' : e.getAttribute('aria-label')].join('|')
    const open = new Map(folds().map((d, i, all) => [key(d, all), d.open]))
    const far = scrolls().map((e) => [e.scrollLeft, e.scrollTop])
    const chosen = picked().map((p) => p.value), begun = $$('#main form[data-dirty]')
    const at = document.activeElement, mine = at && at !== document.body && reach().includes(at) ? sign(at) : null
    const nth = mine ? reach().filter((e) => sign(e) === mine).indexOf(at) : 0
    return {
      opened: (sent) => { // what was sent is done with
        folds().forEach((d, i, all) => { const was = open.get(key(d, all)); if (was !== undefined) d.open = was })
        scrolls().forEach((e, i) => { if (far[i]) [e.scrollLeft, e.scrollTop] = far[i] })
        if (sent?.id !== 'bulk') $$('[data-do=select]').forEach((p) => { p.checked = chosen.includes(p.value) })
        count()
        begun.filter((form) => form !== sent).forEach((form) => $$('#main form').find((f) => f.getAttribute('action') === form.getAttribute('action'))?.replaceWith(form))
      },
      focused: () => {
        const found = mine && reach().filter((e) => sign(e) === mine)
        const e = found && (found[nth] ?? found[0])
        if (!e || e.checkVisibility?.() === false) return false
        e.focus({ preventScroll: true })
        return true
      },
    }
  }
  // A clock is told of when half and a quarter of its time is left, and when it is over; not each minute.
  const told = (before) => {
    const list = rows().filter((r) => r.dataset.clock && before.get(r.dataset.row) && before.get(r.dataset.row) < r.dataset.clock)
    if (list.length) say(list.map((r) => r.dataset.left).join('. '))
  }
  const fresher = (list) => {
    for (const row of list) {
      const name = $('[data-do=open]', row) ?? $('h2 a', row)
      if (!name || row.matches('[data-next]')) continue
      const tag = document.createElement('span')
      tag.className = 'tag ml-1.5'
      tag.textContent = 'just in'
      name.after(' ', tag)
    }
    if (list.length) say(`Just in: ${list.map((r) => ($('h2 a', r) ?? $('[data-do=open]', r))?.textContent).join(', ')}`)
  }
  // A press is not over before its click has come: until then nothing is put in the place of what was pressed.
  let down = 0 // until when at most
  addEventListener('pointerdown', () => { down = Date.now() + 10000 }, true)
  for (const over of ['pointerup', 'pointercancel']) addEventListener(over, () => { down = Date.now() + 350 }, true) // a finger’s click comes later
  addEventListener('keydown', (e) => { if (e.key === ' ') down = Date.now() + 10000 }, true)
  for (const over of ['click', 'keyup']) addEventListener(over, () => { down = 0 }, true)
  const opened = () => Date.now() < down || $('details.menu[open], details.more[open]')

  // Who is at something else by the time a form is answered, in a menu, at a field or with a press, is told of what came of it, and is shown
  // that when they are done.
  const calm = async (fresh, sent, over) => {
    const at = () => document.activeElement ?? document.body
    const engaged = () => opened() || $('dialog[open]') || typing(at()) && !sent.contains(at())
    if (!engaged() || !$('#main', fresh)) return
    const bar = $('#toast', fresh)
    bar?.remove()
    if (bar && waiting) say(bar.textContent)
    else if (bar) {
      $('#toast')?.remove()
      $('#main').prepend(document.adoptNode(bar))
      arrived()
    }
    document.body.classList.remove('asking')
    while (!over() && engaged()) await new Promise((done) => setTimeout(done, 100))
    return bar?.isConnected ? bar : undefined
  }
  // What was asked for last is shown; what came by itself is if shows says so of it. What a form led to comes with the form.
  const load = async (url, options = {}, shows = () => true, sent = null) => {
    const mine = ++turn
    asking++
    document.body.classList.add('asking')
    try {
      const answer = await fetch(url, { headers: { Accept: 'text/html' }, credentials: 'same-origin', ...options })
      if (answer.status === 429) { await busy(Number(answer.headers.get('Retry-After')) || 3); return load(url, options, shows, sent) }
      if (new URL(answer.url).pathname === '/sign-in') { location.href = answer.url; return }
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
      const bar = sent ? await calm(fresh, sent, () => mine !== turn) : undefined
      if (mine === turn && shows(fresh)) swap(fresh, sent && !answer.redirected ? location.href : answer.url, sent, bar) // a form has no page of its own
    } catch {
      tell('The server cannot be reached. Nothing is lost on this page; try again.', { alert: true })
      $$('[data-row]').forEach((r) => { r.classList.remove('saving'); if (r !== waiting?.row) r.hidden = false })
    } finally {
      asking--
      document.body.classList.toggle('asking', asking > 0)
    }
  }
  const busy = async (seconds) => {
    for (let s = seconds; s > 0; s--) { tell(`Baton is catching up. Your click is kept and will be sent in ${s} s.`); await new Promise((done) => setTimeout(done, 1000)) }
  }
  const send = (form, button) => {
    const data = new URLSearchParams(new FormData(form))
    if (button?.name) data.set(button.name, button.value)
    return load(button?.getAttribute('formaction') ?? form.action, { method: 'POST', body: data }, undefined, form).then(() => {
      const call = $('#toast')?.dataset.open
      if (call?.startsWith('tel:')) location.href = call
    })
  }

  // What can be undone waits some seconds before it is sent, so that undoing it is honest: nothing has happened yet. When the page is
  // left it is sent as it goes. Browsers do not always get that done, so it is sent again by the next page; it counts once.
  const held = 'held'
  const left = sessionStorage.getItem(held)
  sessionStorage.removeItem(held)
  if (left) {
    const [action, data] = JSON.parse(left)
    fetch(action, { method: 'POST', body: new URLSearchParams(data), redirect: 'manual' }).then(() => load(location.href), () => {}) // which tells what came of it
  }
  let waiting = null
  const seconds = 8
  const hold = (form, button) => {
    finish()
    const row = form.closest('[data-row]'), next = row && (rows()[rows().indexOf(row) + 1] ?? rows()[rows().indexOf(row) - 1])
    const words = $('b', button)?.textContent ?? button.textContent
    const who = form.elements.who?.value ?? ''
    const data = new URLSearchParams(new FormData(form))
    if (button.name) data.set(button.name, button.value)
    if (row) row.hidden = true
    let wait = seconds
    waiting = { form, action: form.action, data, row }
    sessionStorage.setItem(held, JSON.stringify([form.action, data.toString()]))
    const bar = tell('', { keep: true })
    const b = document.createElement('b'); b.className = 'font-semibold'; b.textContent = who
    const rest = document.createElement('span'); rest.textContent = ` ${form.closest('[data-menu]')?.dataset.menu === 'reject' ? 'rejected' : 'handed back'}: ${words.toLowerCase()}`
    const undo = document.createElement('button'); undo.type = 'button'; undo.className = 'toast-act'; undo.textContent = 'Undo'; undo.dataset.do = 'undo'
    const k = document.createElement('kbd'); k.className = 'key ml-1'; k.textContent = 'U'; k.ariaHidden = 'true'; undo.append(k)
    const count = document.createElement('span'); count.className = 'num opacity-80 text-xs'; count.textContent = `${wait} s`; count.ariaHidden = 'true'
    $('.toast-text', bar).append(b, rest)
    bar.append(undo, count)
    undo.onclick = () => { sessionStorage.removeItem(held); clearInterval(waiting.tick); const { row } = waiting; waiting = null; if (row) { row.hidden = false; go(row) } bar.remove(); say('Undone') }
    waiting.tick = setInterval(() => { wait--; count.textContent = `${wait} s`; if (wait <= 0) finish() }, 1000)
    waiting.bar = bar
    go(next)
  }
  const finish = (leaving) => {
    if (!waiting) return
    const w = waiting
    waiting = null
    clearInterval(w.tick)
    w.bar?.remove()
    if (leaving) { navigator.sendBeacon(w.action, w.data); return }
    sessionStorage.removeItem(held)
    load(w.action, { method: 'POST', body: w.data }, undefined, w.form)
  }
  addEventListener('pagehide', () => finish(true))

  const tell = (text, { alert = false, keep = false } = {}) => {
    $('#toast')?.remove()
    const bar = document.createElement('div')
    bar.id = 'toast'; bar.className = 'toast'; bar.setAttribute('role', alert ? 'alert' : 'status')
    const span = document.createElement('span'); span.className = 'toast-text'; span.textContent = text
    bar.append(span)
    $('#main').prepend(bar)
    if (!keep) fade(bar)
    return bar
  }
  const fade = (bar) => setTimeout(() => { if (!bar.matches(':hover, :focus-within')) bar.remove(); else fade(bar) }, 8000)
  let read = 0 // until when what was refused is left to be read
  const arrived = () => {
    const bar = $('#toast')
    if (bar && !waiting) fade(bar)
    count()
    if ($('[data-refused], .leftover')) read = Date.now() + 20000
    $$('[data-copy]').forEach((b) => { b.hidden = false }) // without scripts there is nothing to press
  }

  // What is shown once can be copied. Where the browser keeps its clipboard from pages (plain http), the text is selected and copied as by hand.
  document.addEventListener('click', async (e) => {
    const button = e.target.closest('[data-copy]')
    if (!button) return
    const from = document.getElementById(button.dataset.copy)
    let done = await navigator.clipboard?.writeText(from.textContent).then(() => true, () => false)
    if (!done) { getSelection().selectAllChildren(from); done = document.execCommand('copy') }
    const words = done ? 'Copied' : 'Press Ctrl C'
    $('[data-says]', button).textContent = words
    say(words)
    setTimeout(() => { $('[data-says]', button).textContent = 'Copy' }, 3000)
  })

  document.addEventListener('submit', (e) => {
    const form = e.target
    if (!form.matches('[data-quick]')) return
    e.preventDefault()
    if (e.submitter?.matches('[data-none]')) { say('Choose one of these as well', true); ($('details.menu[open] .menu-item', form) ?? $('.menu-item', form))?.focus(); return }
    const menu = form.closest('details.menu')
    if (menu) menu.open = false
    if (form.matches('[data-delay]') && e.submitter) hold(form, e.submitter)
    else { form.closest('[data-row]')?.classList.add('saving'); send(form, e.submitter) }
  })

  // What somebody has begun to fill in is not taken away by what comes in live.
  document.addEventListener('input', (e) => { const form = e.target.closest('form[data-quick]'); if (form && !e.target.matches('[data-do=select]')) form.dataset.dirty = '' })

  const picked = () => $$('[data-do=select]:checked')
  const count = () => { const at = $('#bulk [data-count]'); if (at) at.textContent = `${picked().length} selected` }
  document.addEventListener('change', (e) => { if (e.target.matches('[data-do=select]')) count() })
  document.addEventListener('reset', (e) => { if (e.target.id === 'bulk') { delete e.target.dataset.dirty; picked().forEach((p) => { p.checked = p.defaultChecked = false }) } })

  // Another page may take a moment: the line at the top says that it was asked for.
  document.addEventListener('click', (e) => {
    const a = e.target.closest('a[href]')
    if (!a || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || a.target || a.hasAttribute('download') || a.origin !== location.origin || a.pathname === location.pathname) return
    document.body.classList.add('asking')
    setTimeout(() => { if (!asking) document.body.classList.remove('asking') }, 8000) // a file came, and no page
  })
  addEventListener('pageshow', () => { if (!asking) document.body.classList.remove('asking') })

  // Menus close when another opens, on Escape and on a click beside them.
  const close = (but) => $$('details.menu[open], details.more[open]').forEach((d) => { if (d !== but) d.open = false })
  document.addEventListener('toggle', (e) => {
    const menu = e.target
    if (!menu.matches?.('details.menu') || !menu.open) return
    close(menu)
    const sheet = $('.menu-sheet', menu), box = sheet.getBoundingClientRect(), button = menu.getBoundingClientRect()
    if (!menu.closest('.bulk')) menu.classList.toggle('menu-up', box.bottom > innerHeight && button.top > box.height)
  }, true)
  document.addEventListener('click', (e) => { if (!e.target.closest('[data-none]')) close(e.target.closest('details.menu, details.more')) }) // which Enter in a field presses

  // Keys.
  const typing = (t) => t.matches?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]')
  let after = '', timer
  // Each key with what has to be on the page for it to do anything.
  const keys = [['J K', 'Next, previous row', '[data-row]'], ['Enter', 'Open', '[data-do=open]'], ['A', 'Accept', '[data-do=accept]'], ['R then 1–9', 'Reject with that reason', '[data-menu=reject]'],
    ['H then 1–9', 'Hand back with that reason', '[data-menu=hand-back]'], ['L then 1–9', 'Log a contact with that outcome', '[data-menu=contact]'], ['X', 'Select', '[data-do=select]'],
    ['U', 'Undo, while the message is there', '[data-delay]'], ['N', 'Take the next of the queue', '[data-do=next]'], ['S', 'Save', '[data-do=save]'], ['F', 'Show what is new', '[data-fresh]:not([hidden])'], ['M', 'Mark as read', '[data-do=read]'], ['/ or Ctrl K', 'Search', '#find'], ['?', 'These keys', 'body']]
  const press = (sel, within) => { const b = $(sel, within); if (b) { b.focus(); b.click() } return !!b }
  document.addEventListener('keydown', (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k' && !e.altKey) { const f = $('#find'); if (f) { e.preventDefault(); f.click() } return }
    if (e.key === 'Escape') {
      const menu = $('details.menu[open]')
      if (menu) { e.preventDefault(); menu.open = false; $('summary', menu).focus() }
      return
    }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || $('dialog[open]')) return
    if (document.body.dataset.keys === 'off' && e.key.length === 1) return // somebody switched the keys of one character off
    if (e.target.matches?.('[type=radio]') && e.key.startsWith('Arrow')) return
    const open = $('details.menu[open]')
    if (open && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      const items = $$('.menu-item', open), at = items.indexOf(document.activeElement)
      e.preventDefault()
      items[(at + (e.key === 'ArrowDown' ? 1 : items.length - 1 + (at < 0))) % items.length].focus()
      return
    }
    if (open && /^[1-9]$/.test(e.key)) { if (press(`[data-digit="${e.key}"]`, open)) e.preventDefault(); return }
    if (after === 'g') {
      after = ''
      const link = $(`.rail a[data-key="${e.key.toUpperCase()}"]`)
      if (link) { e.preventDefault(); link.click() }
      return
    }
    if (!open && /^[1-9]$/.test(e.key) && press(`[data-number="${e.key}"]`)) { e.preventDefault(); return }
    const row = current()
    const menu = (name) => { const d = row && $(`details[data-menu="${name}"]`, row); if (d) { close(d); d.open = true; $('summary', d).focus() } return !!d }
    const does = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      Enter: () => e.target.matches('a, button, summary') ? false : row && press('[data-do=open]', row),
      a: () => row && press('[data-do=accept]', row), r: () => menu('reject'), h: () => menu('hand-back'), l: () => menu('contact'),
      x: () => { const p = row && $('[data-do=select]', row); if (p) { p.checked = !p.checked; count() } return !!p }, u: () => press('#toast [data-do=undo]'), n: () => press('[data-do=next]'), s: () => press('[data-do=save]'), f: () => press('[data-fresh]:not([hidden])'), m: () => row && press('[data-do=read]', row),
      g: () => { after = 'g'; clearTimeout(timer); timer = setTimeout(() => { after = '' }, 1500) },
      '/': () => press('#find'), '?': () => showKeys(),
    }[e.key]
    if (does && does() !== false) e.preventDefault()
  })
  if (document.body.dataset.keys === 'off') $$('[aria-keyshortcuts]').forEach((b) => { if (b.getAttribute('aria-keyshortcuts').length === 1) b.removeAttribute('aria-keyshortcuts') })
  const showKeys = () => {
    const list = $('#keys .keys')
    const go = $$('.rail a[data-key]').filter((a) => a.dataset.key).map((a) => [`G then ${a.dataset.key}`, `Go to ${a.dataset.label}`, 'body'])
    list.replaceChildren(...[...keys, ...go].filter(([, , sel]) => $(sel)).flatMap(([key, text]) => {
      const dt = document.createElement('dt'), dd = document.createElement('dd')
      dt.textContent = key; dd.textContent = text
      return [dt, dd]
    }))
    $('#keys').showModal()
  }

  // The palette: search as you type, arrows and Enter.
  const palette = $('#palette')
  if (palette) {
    const text = $('#palette-text'), list = $('#palette-list')
    let asked = 0, pause
    const options = () => $$('[role=option]', list)
    const choose = (at) => {
      const all = options()
      all.forEach((o, i) => { o.id = `found-${i}`; o.tabIndex = -1; o.setAttribute('aria-selected', String(i === at)) })
      if (all[at]) { text.setAttribute('aria-activedescendant', all[at].id); all[at].scrollIntoView({ block: 'nearest' }) } else text.removeAttribute('aria-activedescendant')
    }
    const chosen = () => options().findIndex((o) => o.getAttribute('aria-selected') === 'true')
    const look = async () => {
      const mine = ++asked
      const answer = await fetch('/search/quick?q=' + encodeURIComponent(text.value), { credentials: 'same-origin' }).catch(() => null)
      if (mine !== asked || !answer?.ok) return
      list.innerHTML = await answer.text()
      choose(0)
    }
    $('#find')?.addEventListener('click', (e) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return
      e.preventDefault()
      text.value = ''
      palette.showModal()
      text.focus()
      look()
    })
    text.addEventListener('input', () => { clearTimeout(pause); pause = setTimeout(look, 90) })
    text.addEventListener('keydown', (e) => {
      const n = options().length
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); if (n) choose((chosen() + (e.key === 'ArrowDown' ? 1 : n - 1)) % n) }
      if (e.key === 'Enter') { e.preventDefault(); const o = options()[Math.max(0, chosen())]; if (o) o.click(); else location.href = '/search?q=' + encodeURIComponent(text.value) }
    })
    palette.addEventListener('click', (e) => { if (e.target === palette) palette.close() })
  }

  // Live: the page is asked for again when something it shows may have changed, unless somebody is in the middle of something.
  {
    let name = '', late = false, lost = null, stream
    const away = () => waiting || asking || $('dialog[open]')
    const midst = () => opened() || typing(document.activeElement ?? document.body) || $('[data-do=select]:checked') || $('[data-dirty], [data-wrote]') || Date.now() < read
    // A list with a line for what is new is in use while somebody is at one of its rows, or further down. Rows that would come between
    // those that are there wait behind the line; meanwhile only the time that is left goes on.
    const line = () => $('[data-fresh]')
    const used = () => midst() || line() && (document.activeElement?.closest('[data-list] [data-row]') || scrollY > 40)
    const between = (page) => {
      const have = new Set(rows().map((r) => r.dataset.row)), all = $$('[data-row]', page).map((r) => r.dataset.row)
      return all.slice(0, all.findLastIndex((id) => have.has(id)) + 1).filter((id) => !have.has(id))
    }
    const shows = (page) => {
      late = true
      if (waiting || $('dialog[open]')) return false
      const fresh = line() && used() ? between(page) : []
      if (fresh.length) {
        const b = line(), words = `${fresh.length} new`
        if (b.hidden || $('b', b).textContent !== words) say(`${words} above the list`)
        $('b', b).textContent = words
        b.hidden = false
        for (const row of rows()) {
          const now = $(`[data-row="${row.dataset.row}"]`, page)
          for (const sel of ['.ring-clock', '[data-time]']) { const x = $(sel, row), y = now && $(sel, now); if (x && y) x.replaceWith(y) }
        }
        return false
      }
      if (midst()) return false
      late = false
      return true
    }
    const look = () => { late = true; if (!away()) load(location.href, {}, shows) }
    const bring = async () => {
      const have = rows().map((r) => r.dataset.row)
      await load(location.href)
      late = false
      go(rows().find((r) => !have.includes(r.dataset.row)))
    }
    document.addEventListener('click', (e) => { if (e.target.closest('[data-fresh]')) bring() })
    const connect = () => {
      stream = new EventSource(`/live?of=${name}&mark=${encodeURIComponent(document.body.dataset.mark)}`)
      stream.addEventListener('hello', () => {
        const tag = $('#live')
        if (tag) tag.hidden = false
        if (lost) { lost = null; look() }
        const bar = $('#offline')
        if (bar) bar.hidden = true
      })
      stream.addEventListener('changed', look)
      stream.onerror = () => {
        const tag = $('#live')
        if (tag) tag.hidden = true
        lost ??= new Date()
        setTimeout(() => {
          const bar = $('#offline')
          if (!lost || !bar) return
          $('b', bar).textContent = `Not connected since ${lost.toTimeString().slice(0, 5)}.`
          bar.hidden = false
        }, 4000)
      }
    }
    // A page that came behind another may be told of something else than that was, or of nothing.
    listen = () => {
      const now = window.EventSource ? document.body.dataset.live ?? '' : ''
      if (now === name) return
      stream?.close()
      name = now
      late = false
      lost = null
      if (name) connect()
    }
    listen()
    setInterval(() => { if (late && name && !away() && !(line()?.hidden === false ? used() : midst())) look() }, 1000)
    setInterval(() => { if (name && !document.hidden && !lost) look() }, 60000) // the time left is less
    addEventListener('pagehide', () => stream?.close())
    addEventListener('pageshow', (e) => { if (e.persisted && name) connect() })
  }
  arrived()
})()
