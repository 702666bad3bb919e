package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var static embed.FS

// assets are the files that pages need: styles, scripts, fonts. Their address holds a hash of them all, so that a browser may
// keep them for good.
type assets struct {
	version string
	files   map[string]asset
}

type asset struct {
	plain, packed []byte // packed is nil where packing is of no use
	media         string
}

var (
	allAssets = newAssets()
	icons     = readIcons()
)

func newAssets() *assets {
	a := &assets{files: map[string]asset{}}
	hash := sha256.New()
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "icons.json") {
			return err
		}
		data, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(hash, "%s %d\n", name, len(data))
		hash.Write(data)
		f := asset{plain: data, media: mime.TypeByExtension(path.Ext(name))}
		if path.Ext(name) == ".woff2" {
			f.media = "font/woff2"
		} else {
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
			_, _ = z.Write(data)
			_ = z.Close()
			f.packed = b.Bytes()
		}
		a.files[strings.TrimPrefix(name, "static/")] = f
		return nil
	})
	if err != nil {
		panic(err) // of what is compiled in
	}
	a.version = hex.EncodeToString(hash.Sum(nil))[:12]
	return a
}

// assetPath returns the address of an asset.
func assetPath(name string) string { return "/assets/" + allAssets.version + "/" + name }

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("file")]
	h := w.Header()
	if !ok || r.PathValue("version") != a.version {
		h.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	h.Set("Content-Type", f.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	body := f.plain
	if f.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = f.packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// readIcons reads the paths of the icons (Lucide), by their names.
func readIcons() map[string]string {
	list := map[string]string{}
	if data, err := static.ReadFile("static/icons.json"); err != nil || json.Unmarshal(data, &list) != nil {
		panic("static/icons.json: make style")
	}
	return list
}
