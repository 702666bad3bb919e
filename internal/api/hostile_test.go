package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"baton/internal/agreement"
	"baton/internal/engine"
)

// Bodies and parameters of the shape that the OpenAPI document gives, with now and then a value that nobody expects in place of one that
// fits: whatever operation it is, the answer is what came of it or a problem of whoever asked, and nothing is put on record that
// cannot be decided. New operations join by being in the document.
func TestHostileValues(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	secret, _, err := NewKey(context.Background(), s.st, "hostile", ScopeAdmin, s.now.Load())
	if err != nil {
		t.Fatal(err)
	}
	people := `{"type":"identify","userId":"u1","traits":{"email":"a@b.example","seniority":"director","country":"SE","segment":"large","company":{"employees":500,"industry":"manufacturing"}}},
		{"type":"track","userId":"u1","event":"Demo Requested"},{"type":"track","userId":"u1","event":"Pricing Viewed"},{"type":"identify","userId":"u2","traits":{"email":"c@d.example"}}`
	s.want(s.post("/v1/batch", []byte(`{"batch":[`+people+`]}`)), 200)
	c := readContract(t, s.api)
	var answered [6]int // by the first digit of the status
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	for _, op := range c.operations {
		if op.id == "start-import" || op.id == "activate-agreement" {
			continue // they take texts with a language of their own: see TestHostileTexts
		}
		described := c.doc["paths"].(map[string]any)[op.path].(map[string]any)[strings.ToLower(op.method)].(map[string]any)
		for seed := range uint64(rounds) {
			g := &hostile{Rand: rand.New(rand.NewPCG(seed, uint64(len(op.id)))), doc: c.doc, most: 1 + int(seed%3)}
			path, query := op.path, url.Values{}
			for _, p := range list(described["parameters"]) {
				p := g.resolve(p)
				name, value := p["name"].(string), g.text(g.value(p["schema"], p["name"].(string), 0))
				switch p["in"] {
				case "path":
					path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
				case "query":
					if g.IntN(4) == 0 {
						query.Set(name, value)
					}
				}
			}
			body, kind := "", ""
			if b, ok := described["requestBody"]; ok {
				for _, k := range []string{"application/json", "application/yaml"} {
					media, ok := g.resolve(b)["content"].(map[string]any)[k].(map[string]any)
					if !ok || kind != "" {
						continue
					}
					kind = k
					text, err := json.Marshal(g.value(media["schema"], "", 0))
					if err != nil {
						t.Fatal(err)
					}
					body = strings.NewReplacer(`"\u0001huge"`, "1e999", `"\u0001deep"`, strings.Repeat("[", 9000)+strings.Repeat("]", 9000), `\u0001bad`, "\xff").Replace(string(text))
				}
			}
			req := httptest.NewRequest(op.method, "/", strings.NewReader(body))
			if req.URL, err = url.Parse(restPath + path + "?" + query.Encode()); err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", kind)
			req.Header.Set("Authorization", "Bearer "+secret)
			if g.IntN(8) == 0 {
				req.Header.Set("Idempotency-Key", g.text(g.odd()))
			}
			if g.IntN(8) == 0 {
				req.Header.Set("If-Match", g.text(g.odd()))
			}
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, req)
			if w.Code < 200 || w.Code >= 500 && op.id != "new-webhook" { // which says 503 here: there is no key to seal its secret with
				t.Fatalf("%s, seed %d: %s %s: status %d: %.2000s\n%.2000s", op.id, seed, op.method, req.URL, w.Code, w.Body, body)
			}
			if what := w.Header().Get("Content-Type"); strings.Contains(what, "json") && (!json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes())) {
				t.Fatalf("%s, seed %d: the answer is no JSON: %.2000q", op.id, seed, w.Body)
			}
			answered[w.Code/100]++
		}
	}
	t.Logf("answered with 2xx %d times, with 4xx %d times", answered[2], answered[4])
	if answered[2] < 100 || answered[4] < 100 {
		t.Error("what is asked is too wrong, or not wrong enough, to find anything")
	}
	if problems, err := s.st.Problems(t.Context(), 10); err != nil || len(problems) > 0 {
		t.Errorf("%d inputs could not be decided, %v: %.2000v", len(problems), err, problems)
	}
}

// Agreements and mappings that somebody has been at: each applies, or is refused and nothing is another.
func TestHostileTexts(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	s.api.Plan = func() *agreement.Plan { plan, _ := s.en.Agreement(); return plan }
	secret, _, err := NewKey(context.Background(), s.st, "hostile", ScopeAdmin, s.now.Load())
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.post("/v1/batch", []byte(`{"batch":[{"type":"identify","userId":"u1","traits":{"email":"a@b.example","seniority":"director","company":{"employees":500}}},{"type":"track","userId":"u1","event":"Demo Requested"}]}`)), 200)
	send := func(method, path, kind, body string, headers ...string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(method, restPath+path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+secret)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		if w.Code < 200 || w.Code >= 500 || w.Code != 404 && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s: status %d: %.1000s\n%s", method, path, w.Code, w.Body, body)
		}
		return w
	}
	active := func() string {
		a, err := s.st.ActiveAgreement(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(a.Source)
	}
	_, source := waterfall(t)
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	var applied, imported, refused int
	for seed := range uint64(rounds) {
		g := &hostile{Rand: rand.New(rand.NewPCG(seed, 7)), most: 1 + int(seed%4)}
		before, text := active(), g.disturb(string(source))
		headers := []string{"If-Match", "*"}
		if g.IntN(6) == 0 {
			headers[1] = g.text(g.odd())
		}
		switch w := send("POST", "/agreement", "application/yaml", text, headers...); {
		case w.Code == 200 && strings.Contains(w.Body.String(), `"changed":true`) != (active() == text && text != before):
			t.Fatalf("seed %d: it does not say what applies now: %s\n%q\n%q", seed, w.Body, text, active())
		case w.Code == 200:
			applied++
			s.now.Add(3600e6)
			s.want(s.post("/v1/track", fmt.Appendf(nil, `{"userId":"u1","event":"Demo Requested","messageId":"after %d"}`, seed)), 200)
		case active() != before:
			t.Fatalf("seed %d: it was refused and applies: %s", seed, w.Body)
		default:
			refused++
		}
		query := url.Values{"mapping": {g.disturb(crmMapping)}, "dry_run": {[]string{"true", "false", g.text(g.odd())}[g.IntN(3)]}}
		if g.IntN(3) == 0 {
			query.Set("name", g.text(g.odd()))
		}
		w := send("POST", "/imports?"+query.Encode(), "text/csv", g.disturb(crmRows(4)))
		(&desk{site: s}).over()
		if w.Code < 300 {
			imported++
		} else {
			refused++
		}
	}
	t.Logf("%d agreements applied, %d files were read, %d texts refused", applied, imported, refused)
	if applied < rounds/20 || imported < rounds/20 || refused < rounds/4 {
		t.Error("what is sent is too wrong, or not wrong enough, to find anything")
	}
	if problems, err := s.st.Problems(t.Context(), 10); err != nil || len(problems) > 0 {
		t.Errorf("%d inputs could not be decided, %v: %.2000v", len(problems), err, problems)
	}
	if strings.Contains(s.logs.String(), "panic") {
		t.Errorf("%.2000s", s.logs.String())
	}
}

// disturb changes some lines of a text.
func (g *hostile) disturb(text string) string {
	lines := strings.Split(text, "\n")
	for range g.most {
		i := g.IntN(len(lines))
		odd := strings.NewReplacer("\x01huge", "1e999", "\x01deep", strings.Repeat("[", 9000), "x\x01bad", "x\xff").Replace(g.text(g.odd()))
		switch g.IntN(8) {
		case 0:
			lines = slices.Delete(lines, i, i+1)
		case 1:
			lines = slices.Insert(lines, i, lines[g.IntN(len(lines))])
		case 2:
			j := g.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
		case 3:
			lines[i] = "  " + lines[i]
		case 4:
			name, _, _ := strings.Cut(lines[i], ":")
			lines[i] = name + ": " + odd
		case 5:
			lines[i] += odd
		case 6:
			words := strings.Fields(lines[i])
			if len(words) > 0 {
				lines[i] = strings.Replace(lines[i], words[g.IntN(len(words))], odd, 1)
			}
		default:
			digits := func(r rune) rune {
				if r >= '0' && r <= '9' {
					return '0' + rune(g.IntN(10))
				}
				return r
			}
			lines[i] = strings.Map(digits, lines[i])
		}
		if len(lines) == 0 {
			return ""
		}
	}
	return strings.Join(lines, "\n")
}

// hostile draws values for a schema, some of which are not what it asks for.
type hostile struct {
	*rand.Rand
	doc   map[string]any
	most  int // of them that are not
	tried int
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func (g *hostile) resolve(v any) map[string]any {
	m, _ := v.(map[string]any)
	for m["$ref"] != nil {
		at := any(g.doc)
		for part := range strings.SplitSeq(strings.TrimPrefix(m["$ref"].(string), "#/"), "/") {
			at = at.(map[string]any)[part]
		}
		m, _ = at.(map[string]any)
	}
	return m
}

// words are what there is, by what it is called in requests.
var words = map[string][]any{
	"actor": {"astrid.berg@northwind.example"}, "to": {"astrid.berg@northwind.example", "2026-12-01T00:00:00Z"}, "member": {"astrid.berg@northwind.example"},
	"lead": {1, "1", "u1", "a@b.example"}, "with": {"c@d.example", 4}, "account": {1, "b.example"}, "email": {"a@b.example", "new@b.example"}, "activity": {"demo_requested", "pricing_viewed"},
	"reason": {"timing", "no_fit"}, "outcome": {"connected", "no_answer"}, "status": {"granted", "objected"}, "transition": {"hot"}, "channel": {"email", "phone"},
	"at": {"2026-11-20T10:00:00Z"}, "from": {"2026-11-20T10:00:00Z"}, "until": {"2026-12-20T10:00:00Z"}, "scope": {"read"}, "since": {"2026-01-01"},
}

func (g *hostile) odd() any {
	g.tried++
	list := []any{nil, "", " ", "\x00", "\u202e\u0301", strings.Repeat("é", 30_000), -1, 0, 1 << 40, 1e308, -1e-308, 0.1, true, false, []any{}, map[string]any{}, []any{nil}, "\x01huge", "\x01deep", "x\x01bad",
		"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-02-30", "-5d", "P1Y", "999999999999999999999", "../..", "%00", "' OR 1=1 --", "<script>", "name:", "queue ", "{{.}}", "NaN", "a@", "@b.example", "1"}
	return list[g.IntN(len(list))]
}

// value draws a value of a schema.
func (g *hostile) value(schema any, name string, depth int) any {
	s := g.resolve(schema)
	if g.tried < g.most && g.IntN(6) == 0 || depth > 12 {
		return g.odd()
	}
	if w := words[name]; w != nil && g.IntN(5) > 0 {
		return w[g.IntN(len(w))]
	}
	if e := list(s["enum"]); len(e) > 0 {
		return e[g.IntN(len(e))]
	}
	for _, any := range []string{"oneOf", "anyOf", "allOf"} {
		if e := list(s[any]); len(e) > 0 {
			return g.value(e[g.IntN(len(e))], name, depth+1)
		}
	}
	kind := ""
	switch t := s["type"].(type) {
	case string:
		kind = t
	case []any:
		kind = t[g.IntN(len(t))].(string)
	}
	switch kind {
	case "object":
		o := map[string]any{}
		properties, _ := s["properties"].(map[string]any)
		var names []string
		for name := range properties {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if name == "$schema" {
				continue
			}
			if slices.Contains(list(s["required"]), any(name)) || g.IntN(3) == 0 {
				o[name] = g.value(properties[name], name, depth+1)
			}
		}
		if more := s["additionalProperties"]; more != nil && more != false {
			o[[]string{"seniority", "budget", "need", "company", "x", ""}[g.IntN(6)]] = g.value(more, "", depth+1)
		}
		return o
	case "array":
		var a []any
		for range g.IntN(3) {
			a = append(a, g.value(s["items"], name, depth+1))
		}
		return a
	case "integer":
		return g.IntN(10)
	case "number":
		return g.Float64() * 10
	case "boolean":
		return g.IntN(2) == 0
	case "null":
		return nil
	case "string":
		return []string{"astrid.berg@northwind.example", "a text", "2026-11-20T10:00:00Z", "timing", "director"}[g.IntN(5)]
	}
	return g.odd()
}

// text is a value as a parameter has it.
func (g *hostile) text(v any) string {
	if s, ok := v.(string); ok {
		if len(s) > 2000 {
			s = s[:2000]
		}
		return s
	}
	return fmt.Sprint(v)
}
