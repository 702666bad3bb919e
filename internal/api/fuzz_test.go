package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
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
		for kind := range uint8(3) {
			f.Add([]byte(seed), kind)
		}
	}
	s := open(f, Options{}, engine.Options{})
	paths := []string{"/v1/batch", "/v1/track", "/v1/identify"}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		req := httptest.NewRequest(http.MethodPost, paths[int(kind)%len(paths)], strings.NewReader(string(body)))
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
