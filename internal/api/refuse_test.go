package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"baton/internal/engine"
)

func TestRefused(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	good := `{"type":"track","userId":"u1","event":"Demo Requested"}`
	long := strings.Repeat("x", 40<<10)
	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	batch := func(events ...string) string { return `{"batch":[` + strings.Join(events, ",") + `]}` }
	deep := strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat(`}`, 20_000)
	for _, test := range []struct {
		name, path, body string
		status, event    int // event -1 for none
		says             string
	}{
		{"empty", "/v1/track", ``, 400, -1, "the body is empty"},
		{"not JSON", "/v1/track", `hello`, 400, -1, "not JSON"},
		{"a form", "/v1/track", `userId=u1&event=x`, 400, -1, "not JSON"},
		{"half", "/v1/track", `{"userId":"u1","event":"x`, 400, -1, "unexpected EOF"},
		{"a list", "/v1/track", `[]`, 400, -1, "should be an object"},
		{"null", "/v1/track", `null`, 400, -1, "should be an object"},
		{"two", "/v1/track", `{"userId":"u1","event":"x"} {}`, 400, -1, "something follows"},
		{"twice the same name", "/v1/track", `{"userId":"u1","userId":"u2","event":"x"}`, 400, -1, "duplicate"},
		{"nobody", "/v1/track", `{"event":"x"}`, 400, -1, "userId or an anonymousId"},
		{"nobody, as programs write it", "/v1/track", `{"event":"x","userId":null,"anonymousId":"undefined"}`, 400, -1, "userId or an anonymousId"},
		{"no name", "/v1/track", `{"userId":"u1"}`, 400, -1, "event"},
		{"no group", "/v1/group", `{"userId":"u1"}`, 400, -1, "groupId"},
		{"no previous", "/v1/alias", `{"userId":"u1"}`, 400, -1, "previousId"},
		{"user is an object", "/v1/track", `{"userId":{"a":1},"event":"x"}`, 400, -1, "/userId should be a text"},
		{"traits are a list", "/v1/identify", `{"userId":"u1","traits":[1]}`, 400, -1, "/traits should be an object"},
		{"message ID too long", "/v1/track", `{"userId":"u1","event":"x","messageId":"` + strings.Repeat("é", 101) + `"}`, 400, -1, "messageId has 101 characters and may have 100"},
		{"user ID too long", "/v1/track", `{"userId":"` + strings.Repeat("u", 501) + `","event":"x"}`, 400, -1, "userId has 501 bytes"},
		{"event name too long", "/v1/track", `{"userId":"u1","event":"` + strings.Repeat("u", 201) + `"}`, 400, -1, "201 bytes"},
		{"no time", "/v1/track", `{"userId":"u1","event":"x","timestamp":"yesterday"}`, 400, -1, `"yesterday" is no time`},
		{"before everything", "/v1/track", `{"userId":"u1","event":"x","timestamp":"0001-01-01T00:00:00Z"}`, 400, -1, "before 1970"},
		{"sent at no time", "/v1/track", `{"userId":"u1","event":"x","timestamp":"2026-11-01T00:00:00Z","sentAt":"now"}`, 400, -1, "sentAt"},
		{"invalid UTF-8", "/v1/track", "{\"userId\":\"u\xff\",\"event\":\"x\"}", 400, -1, "UTF-8"},
		{"half a surrogate pair", "/v1/track", `{"userId":"u\ud800","event":"x"}`, 400, -1, "not JSON"},
		{"huge exponent in an ID", "/v1/track", `{"userId":1e999x,"event":"x"}`, 400, -1, "not JSON"},
		{"too deep", "/v1/track", `{"userId":"u1","event":"x","properties":{"a":` + strings.Repeat(`[`, 12_000) + strings.Repeat(`]`, 12_000) + `}}`, 400, -1, "depth"},
		{"too deep, passed over", "/v1/batch", `{"other":` + deep + `,"batch":[]}`, 400, -1, "depth"},
		{"a long name in the way", "/v1/track", `{"userId":"u1","event":"x","traits":{"` + strings.Repeat("é", 9000) + `":{"a":}}}`, 400, -1, "not JSON"},
		{"too many traits", "/v1/identify", `{"userId":"u1","traits":{` + numbered(251) + `}}`, 400, -1, "more than 250 traits"},
		{"too many traits inside", "/v1/identify", `{"userId":"u1","traits":{"a":{` + numbered(150) + `},"b":{` + numbered(150) + `}}}`, 400, -1, "more than 250 traits"},
		{"event too large", "/v1/track", `{"userId":"u1","event":"x","properties":{"a":"` + long + `"}}`, 400, -1, "may have 32768"},
		{"batch of nothing", "/v1/batch", `{}`, 400, -1, "batch is missing"},
		{"batch is an object", "/v1/batch", `{"batch":{}}`, 400, -1, "list of events"},
		{"an event is a number", "/v1/batch", batch(good, `5`), 400, 1, "should be an object"},
		{"an event is null", "/v1/batch", batch(good, `null`), 400, 1, "should be an object"},
		{"an event is broken", "/v1/batch", batch(good, good, `{"userId":}`), 400, 2, "not JSON"},
		{"an event has no type", "/v1/batch", batch(good, `{"userId":"u1"}`), 400, 1, "type is missing"},
		{"an event has another type", "/v1/batch", batch(good, `{"userId":"u1","type":"delete"}`), 400, 1, `"delete" is no type`},
		{"an event is about nobody", "/v1/batch", batch(good, good, good, `{"type":"page"}`), 400, 3, "userId or an anonymousId"},
		{"an event at no time", "/v1/batch", batch(good, `{"type":"page","userId":"u1","timestamp":"x"}`), 400, 1, "no time"},
		{"an event too large", "/v1/batch", batch(good, `{"type":"page","userId":"u1","properties":{"a":"`+long+`"}}`), 400, 1, "may have 32768"},
		{"too many events", "/v1/batch", batch(many(2501, `{"type":"page","userId":"u1"}`)), 400, -1, "more than 2500 events"},
		{"what follows the list", "/v1/batch", `{"batch":[` + good + `],"sentAt":{}}`, 400, -1, "/sentAt should be a text"},
		{"body too large", "/v1/batch", batch(many(400, `{"type":"page","userId":"u1","properties":{"a":"`+strings.Repeat("x", 2000)+`"}}`)), 413, -1, "500 KB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.post(test.path, []byte(test.body))
			if a.Status != test.status || !strings.Contains(a.Detail, test.says) {
				t.Errorf("%d %.300s, want %d and %q", a.Status, a.Body, test.status, test.says)
			}
			event := -1
			if a.Event != nil {
				event = *a.Event
			}
			if event != test.event {
				t.Errorf("event %d, want %d: %s", event, test.event, a.Detail)
			}
			if len(a.Detail) > 600 {
				t.Errorf("the answer is %d bytes long", len(a.Detail))
			}
		})
	}
	if got := len(s.inputs()); got != 0 {
		t.Errorf("%d inputs of refused requests are stored", got)
	}
	// as much as there may be
	s.want(s.post("/v1/page", []byte(`{"userId":"u1","properties":{`+numbered(250)+`}}`)), 200)
	s.want(s.post("/v1/batch", []byte(batch(many(2500, `{"type":"page","userId":"u1"}`)))), 200)
	if got := len(s.inputs()); got != 2501 {
		t.Errorf("%d inputs, want 2501", got)
	}
	s.want(s.post("/v1/batch", []byte(`{"batch":[]}`)), 200)
}

func TestPackedBodies(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	event := func(id int) []byte {
		return []byte(fmt.Sprintf(`{"userId":"u1","event":"Demo Requested","messageId":"m%d"}`, id))
	}
	bomb := zipped(t, []byte(`{"userId":"u1","event":"`+strings.Repeat(" ", 64<<20)))
	if len(bomb) > 200<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	half := zipped(t, event(9))
	for _, test := range []struct {
		name    string
		body    []byte
		headers []string
		status  int
	}{
		{"gzip", zipped(t, event(1)), []string{"Content-Encoding", "gzip"}, 200},
		{"gzip that does not say so", zipped(t, event(2)), []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		{"plain that says gzip", event(3), []string{"Content-Encoding", "gzip"}, 200},
		{"JSON that says form", event(4), []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		{"another coding", event(5), []string{"Content-Encoding", "br"}, 415},
		{"bomb", bomb, []string{"Content-Encoding", "gzip"}, 413},
		{"bomb in a bomb", zipped(t, bomb), []string{"Content-Encoding", "gzip"}, 400},
		{"half", half[:len(half)-12], []string{"Content-Encoding", "gzip"}, 400},
		{"broken", append([]byte{0x1f, 0x8b}, bytes.Repeat([]byte{7}, 50)...), nil, 400},
		{"broken further on", append(bytes.Clone(half[:20]), bytes.Repeat([]byte{7}, 50)...), nil, 400},
		{"two bytes", []byte{0x1f, 0x8b}, nil, 400},
	} {
		t.Run(test.name, func(t *testing.T) { s.want(s.post("/v1/track", test.body, test.headers...), test.status) })
	}
	if got := len(s.inputs()); got != 4 {
		t.Errorf("%d inputs, want 4", got)
	}
}

// What is strange but can be read is taken in, and can be decided again.
func TestStrangeValues(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	body := `{"userId":12345678901234567890,"anonymousId":"a\u0000b","event":"Odd \u0000 Thing","properties":{
		"huge":1e999,"long":123456789012345678,"tiny":-1e-400,"nul":"a\u0000b","empty":"","none":null,"list":[1,{"a":[]}],
		"a":{"b":{"c":{"d":{"e":{"f":1}}}}},"k\u0000ey":true,"":"nameless","Zoë 東京":"Zoë 東京"}}`
	s.want(s.post("/v1/track", []byte(body)), 200)
	var got []string
	for _, v := range s.inputs()[0].Values {
		got = append(got, v.Name+"="+v.Value.Kind.String()+":"+v.Value.String())
	}
	want := `=text:nameless a.b.c.d.e=text:{"f":1} huge=text:1e999 key=boolean:yes list=text:[1,{"a":[]}] long=text:123456789012345678 nul=text:ab tiny=number:0 zoë_東京=text:Zoë 東京`
	if text := strings.Join(got, " "); text != want {
		t.Errorf("values\n%s\nwant\n%s", text, want)
	}
	if text := s.query(`SELECT group_concat(value, ' ') FROM key`); text != "user:12345678901234567890 ab" {
		t.Errorf("keys %q", text)
	}
	s.verify()
}

func TestNoNegativeZero(t *testing.T) {
	if v := numberValue([]byte("-1e-400")); math.Signbit(v.Num) {
		t.Error("it is negative")
	}
}

// numbered returns so many members of an object.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	return b.String()[1:]
}

// What is at no address, or comes with another method, is told so like everything else that is wrong.
func TestNoSuchAddress(t *testing.T) {
	s := open(t, Options{}, engine.Options{})
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/v1/nothing", 404, ""}, {"GET", "/v1/", 404, ""}, {"POST", "/healthz", 404, ""}, {"GET", "/f/", 404, ""}, {"POST", "/", 404, ""},
		{"PUT", "/v1/track", 405, "POST"}, {"GET", "/v1/b", 405, "POST"}, {"DELETE", "/f/contact", 405, "POST"}, {"POST", "/v1/projects/k/settings", 405, "GET"},
	} {
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		var p struct {
			Status int
			Detail string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != test.status || p.Status != w.Code || p.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q, %s", test.method, test.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}
