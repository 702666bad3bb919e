package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"baton/internal/engine"
	"baton/internal/lifecycle"
)

// Whatever is sent, the answer is one of a few, it is JSON, nothing panics, and what was taken in can
// be read again.
func FuzzTrack(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `{"batch":[]}`, `{"userId":"u1","event":"Demo Requested","messageId":"m1","timestamp":"2026-11-01T00:00:00Z","sentAt":"2026-11-01T00:00:01Z"}`,
		`{"batch":[{"type":"identify","userId":"u1","anonymousId":"b","traits":{"email":"a@b.example","company":{"name":"B","employee_count":1e3}}},{"type":"group","userId":"u1","groupId":"b.example"}],"sentAt":"2026-11-01T00:00:01Z","context":{"campaign":{"source":"x","medium":"cpc","name":"n"}}}`,
		`{"batch":[{"type":"page","anonymousId":"b","name":"P","properties":{"url":"https://x.example/a?b"},"context":{"page":{"path":"/"},"userAgent":"Googlebot"}},{"type":"alias","userId":1,"previousId":"b"},{"type":"screen","userId":"\ud83d\ude00"}]}`,
		`{"userId":"u1","event":"x","properties":{"a":[[[[{"b":1e999}]]]],"c":-0,"d":12345678901234567890,"asset":"Price List","":null}}`,
		"\x1f\x8b\x08\x00", "{\"userId\":\"\xff\"}", `{"userId":"a` + "\\u0000" + `b","event":"\u0000"}`, strings.Repeat("[", 20000),
	} {
		for way := range uint8(7) {
			f.Add([]byte(seed), way, way == 0)
		}
	}
	s := open(f, Options{}, engine.Options{})
	paths := []string{"batch", "track", "identify", "page", "screen", "group", "alias", "b", "t", "i", "p", "s", "g", "a", "import"}
	f.Fuzz(func(t *testing.T, body []byte, way uint8, pack bool) {
		if pack {
			body = zipped(t, body)
		}
		req := httptest.NewRequest(http.MethodPost, "/v1/"+paths[int(way)%len(paths)], bytes.NewReader(body))
		req.SetBasicAuth(s.key, "")
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, req)
		switch w.Code {
		case 200, 400, 413:
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes()) {
			t.Fatalf("the answer is no JSON: %q", w.Body)
		}
		if w.Code != 200 {
			return
		}
		last, err := s.st.LastInput(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.st.EachInput(t.Context(), last, func(in lifecycle.Input, _ []byte) error {
			again, err := lifecycle.ParseInput(in.AppendJSON(nil))
			if err != nil {
				return err
			}
			if string(again.AppendJSON(nil)) != string(in.AppendJSON(nil)) {
				t.Errorf("read again it is another input")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"email=a%40b.example&consent=on&consent_text=x&_next=/a&company=B", "email=%ff%00&a=b", "%zz", "email=a@b.example&email=c@d.example", "_id=1&_anonymous_id=%00&email=a%40b.example&%00=%ff"} {
		f.Add([]byte(seed), false)
		f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@b.example\r\n--x--"), true)
	}
	s := open(f, Options{}, engine.Options{})
	f.Fuzz(func(t *testing.T, body []byte, multi bool) {
		req := httptest.NewRequest(http.MethodPost, "/f/contact?key="+s.key, strings.NewReader(string(body)))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if multi {
			req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		}
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, req)
		switch w.Code {
		case 200, 303, 400, 401, 413:
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if next := w.Header().Get("Location"); next != "" && (!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//")) {
			t.Fatalf("it sends visitors to %q", next)
		}
	})
}

// Whatever is asked of an operation of the REST API, by whoever may do everything, the answer is what came of it or a problem of
// whoever asked: none of the server's. New operations join by being in the OpenAPI document.
func FuzzREST(f *testing.F) {
	s := open(f, Options{}, engine.Options{})
	secret, _, err := NewKey(context.Background(), s.st, "fuzz", ScopeAdmin, s.now.Load())
	if err != nil {
		f.Fatal(err)
	}
	s.want(s.post("/v1/batch", []byte(`{"batch":[{"type":"identify","userId":"u1","traits":{"email":"a@b.example","seniority":"director","company":{"employees":500}}},{"type":"track","userId":"u1","event":"Demo Requested"},{"type":"group","userId":"u1","groupId":"b.example"}]}`)), 200)
	operations := readContract(f, s.api).operations
	if len(operations) < 20 {
		f.Fatalf("%d operations: the document does not say what there is", len(operations))
	}
	for n := range operations {
		f.Add(uint8(n), "1", "", []byte(`{}`), uint8(0))
		f.Add(uint8(n), "email:a@b.example", "limit=1&cursor=x&stage=mql", []byte(`{"by":"ada@northwind.example","at":"2026-11-23T12:00:00Z","reason":"no_fit","lead":1,"id":"x","side":"sales","name":"n","scope":"read","source":"agreement: x"}`), uint8(1))
		f.Add(uint8(n), "999999999999999999999", "limit=-1&limit=1e9&%zz=%00", []byte("\xff\x00[[["), uint8(2))
		f.Add(uint8(n), "\x00/../\xff", "a=%ff", []byte("email\n\"a@b.example"), uint8(3))
	}
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	kinds := []string{"application/json", "application/x-www-form-urlencoded", "application/yaml", "text/csv", "multipart/form-data; boundary=x", "", "application/merge-patch+json"}
	f.Fuzz(func(t *testing.T, n uint8, value, query string, body []byte, kind uint8) {
		op := operations[int(n)%len(operations)]
		req := httptest.NewRequest(op.method, "/", bytes.NewReader(body))
		req.URL.RawPath = restPath + parameter.ReplaceAllLiteralString(op.path, url.PathEscape(value))
		if req.URL.Path, err = url.PathUnescape(req.URL.RawPath); err != nil {
			t.Fatal(err)
		}
		req.URL.RawQuery = query
		req.Header.Set("Content-Type", kinds[int(kind)%len(kinds)])
		req.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, req)
		if w.Code < 200 || w.Code >= 500 {
			t.Fatalf("%s %s: status %d: %s", op.method, req.URL, w.Code, w.Body)
		}
		if what := w.Header().Get("Content-Type"); strings.Contains(what, "json") && (!json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes())) {
			t.Fatalf("%s %s: the answer is no JSON: %q", op.method, req.URL, w.Body)
		}
	})
}
