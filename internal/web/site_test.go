package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
)

// Whatever a template or an entry names is among the icons that `make style` has collected.
func TestIconsAreThere(t *testing.T) {
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\bicon\w*\("([^"]*)"`).FindAllSubmatch(text, -1) {
			found++
			if icons[string(m[1])] == "" {
				t.Errorf("%s: there is no icon %s: make style", file, m[1])
			}
		}
	}
	for _, r := range routes() {
		if r.entry != nil && icons[r.entry.Icon] == "" {
			t.Errorf("%s: there is no icon %q: make style", r.pattern, r.entry.Icon)
		}
	}
	for _, theme := range []string{"", "light", "dark"} {
		if icons[themeIcon(theme)] == "" {
			t.Errorf("there is no icon for the theme %q", theme)
		}
	}
	if found == 0 {
		t.Error("no template names an icon")
	}
}

func TestAssetsAreKeptForGood(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{version}/{file...}", allAssets.serve)
	get := func(path, accept string) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result()
	}
	for _, name := range []string{"baton.css", "baton.js", "htmx.js", "icon.svg", "fonts/geist-latin-wght-normal.woff2"} {
		packed, plain := get(assetPath(name), "gzip, br"), get(assetPath(name), "")
		if packed.StatusCode != 200 || !strings.Contains(packed.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", name, packed.StatusCode, packed.Header)
		}
		if is := packed.Header.Get("Content-Encoding") == "gzip"; is == strings.HasSuffix(name, ".woff2") {
			t.Errorf("%s: packed: %v", name, is)
		}
		if plain.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is packed for somebody who cannot unpack it", name)
		}
	}
	// What an older page names is not there any more, and no browser keeps that for good.
	if old := get("/assets/000000000000/baton.css", ""); old.StatusCode != 404 || old.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("an older version: %d, %s", old.StatusCode, old.Header)
	}
	if odd := get("/assets/"+allAssets.version+"/icons.json", ""); odd.StatusCode != 404 {
		t.Errorf("icons.json: %d", odd.StatusCode)
	}
}

// A form leads back to an address of this site, whatever it says.
func TestBackStaysHere(t *testing.T) {
	for given, want := range map[string]string{
		"/leads": "/leads", "/leads?after=1#x": "/leads?after=1", "": "/otherwise", "https://evil.example/": "/otherwise", "//evil.example": "/otherwise",
		`/\evil.example`: "/otherwise", "leads": "/otherwise", "javascript:alert(1)": "/otherwise", "/\t/evil.example": "/otherwise",
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(url.Values{"back": {given}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := &ask{Request: r}
		if got := a.back("/otherwise"); got != want {
			t.Errorf("back to %q: %q, want %q", given, got, want)
		}
	}
}

func TestOnlyPhonesAreCalled(t *testing.T) {
	got := map[string]string{}
	for _, s := range []string{"tel:+4655501042", "tel:112", "javascript:alert(1)", "tel:1;x=javascript", "https://evil.example", ""} {
		got[s] = phoneOf(s)
	}
	want := map[string]string{"tel:+4655501042": "tel:+4655501042", "tel:112": "tel:112", "javascript:alert(1)": "", "tel:1;x=javascript": "", "https://evil.example": "", "": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What an act led to is told once, in the words it was told in.
func TestFlashIsToldOnce(t *testing.T) {
	w := httptest.NewRecorder()
	said := &flash{Lead: 7, Who: "Ada <b>", Text: "accepted", Open: "tel:+461"}
	putFlash(&ask{Request: httptest.NewRequest("POST", "/", nil), w: w}, said)
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	if diff := cmp.Diff(said, takeFlash(&ask{Request: r, w: w})); diff != "" {
		t.Error(diff)
	}
	if list := w.Result().Cookies(); len(list) != 1 || list[0].MaxAge >= 0 {
		t.Errorf("it is not forgotten: %v", list)
	}
	r.Header.Set("Cookie", flashCookie+"=nonsense")
	if f := takeFlash(&ask{Request: r, w: httptest.NewRecorder()}); f != nil {
		t.Errorf("read from nonsense: %v", f)
	}
}

// What was refused is told to whoever asked for it, with what they had filled in, however it is written; what a cookie has no room for stands on a page
// of its own, and none of it is lost.
func TestRefusedFormKeepsWhatWasFilledIn(t *testing.T) {
	for _, note := range []string{"", "<script>alert(1)</script> & “so”\nnext line", strings.Repeat("<", 300), strings.Repeat("<", 500), strings.Repeat("é", 4000), strings.Repeat("x", 4000)} {
		form := url.Values{"note": {note}, "reason": {"no_fit"}, "who": {"Ada"}, "seen": {"7"}}
		r := httptest.NewRequest("POST", "/leads/7/reject", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := r.ParseForm(); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		a := &ask{Request: r, w: w, viewer: &Viewer{ID: 3}, plan: &agreement.Plan{}}
		answer, err := a.refusedForm(&flash{Lead: 7, Who: "Ada", Text: "No.", Refused: true}, "reject", "/leads/7")
		if err != nil {
			t.Fatal(err)
		}
		if long, is := answer.(shown); is {
			var b strings.Builder
			if err := long.body.Render(context.WithValue(t.Context(), askKey{}, a), &b); err != nil || !strings.Contains(b.String(), templ.EscapeString(note)) {
				t.Errorf("%.20q is lost: %v", note, err)
			}
			continue
		}
		if err := answer.answer(a); err != nil {
			t.Fatal(err)
		}
		list := w.Result().Cookies()
		if len(list) != 1 || len(list[0].Raw) > 4000 {
			t.Fatalf("%.20q: %d cookies", note, len(list))
		}
		next := func(v *Viewer) *flash {
			r := httptest.NewRequest("GET", "/leads/7", nil)
			r.AddCookie(list[0])
			return takeFlash(&ask{Request: r, w: httptest.NewRecorder(), viewer: v})
		}
		if f := next(&Viewer{ID: 3}); f == nil || !f.of(7, "reject") || f.of(8, "reject") || f.of(7, "accept") || f.Typed["note"] != note || f.Typed["reason"] != "no_fit" || f.Typed["who"] != "" {
			t.Errorf("%.20q: %+v", note, f)
		}
		for _, v := range []*Viewer{{ID: 4}, nil} {
			if f := next(v); f != nil {
				t.Errorf("%+v is told %+v", v, f)
			}
		}
	}
}

func TestMarked(t *testing.T) {
	show := func(list []piece) string {
		var b strings.Builder
		for _, p := range list {
			if p.Hit {
				b.WriteString("[" + p.Text + "]")
			} else {
				b.WriteString(p.Text)
			}
		}
		return b.String()
	}
	for _, c := range []struct{ name, query, want string }{
		{"Lumenholt Packaging", "lumen", "[Lumen]holt Packaging"},
		{"Lumenholt Packaging", "pack lum", "[Lum]enholt [Pack]aging"},
		{"Jørgen Åström", "astr", "Jørgen [Åstr]öm"},
		{"Jørgen Åström", "åström", "Jørgen [Åström]"},
		{"Ann Bell", "ann bell", "[Ann] [Bell]"},
		{"Ann  Bell", "", "Ann  Bell"},
		{"", "ann", ""},
		{"Maren", "aren", "Maren"},
	} {
		if got := show(marked(c.name, c.query)); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.query, c.name, got, c.want)
		}
	}
}

// A deadline is said in working time, with the hour it is due in the reader's zone.
func TestWordsOfTime(t *testing.T) {
	for us, want := range map[int64]string{0: "under 1 min", 59 * 1e6: "under 1 min", 38 * minute: "38 min", hour: "1 h", 2*hour + 26*minute: "2 h 26 min", 12*hour + 5*minute: "12 h", 30 * hour: "30 h"} {
		if got := words(us); got != want {
			t.Errorf("%d µs: %q, want %q", us, got, want)
		}
	}
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	a := &ask{now: time.Date(2026, 11, 12, 9, 42, 0, 0, time.UTC), zone: stockholm}
	for at, want := range map[string]string{"2026-11-12T10:20:00Z": "11:20", "2026-11-12T23:30:00Z": "Fri 00:30", "2026-11-11T08:00:00Z": "Wed 09:00", "2026-11-20T08:00:00Z": "20 Nov, 09:00", "2027-01-02T08:00:00Z": "2 Jan 2027"} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.clockTime(instant.UnixMicro()); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

func TestSentence(t *testing.T) {
	for given, want := range map[string]string{"": "", "åsa has it": "Åsa has it.", "done?": "Done?", "1 lead": "1 lead.", "é": "É."} {
		if got := sentence(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
