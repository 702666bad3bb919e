package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"baton/internal/engine"
)

// captured are requests as three real SDKs sent them; see the README beside them.
const captured = "../../../shared/data/protocols/segment_captured_requests.jsonl"

func TestCapturedRequests(t *testing.T) {
	file, err := os.Open(captured)
	if err != nil {
		t.Skipf("the captured requests are not here (%s): nothing of this is tested", captured)
	}
	defer file.Close()
	s := open(t, Options{}, engine.Options{})
	sent, clients := map[string]bool{}, map[string]int{}
	replayAll := func() {
		if _, err := file.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var req struct {
				Client, URL, Body string
				Headers           map[string]string
			}
			if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
				t.Fatal(err)
			}
			body := []byte(req.Body)
			var batch struct{ Batch []struct{ MessageID string } }
			if err := json.Unmarshal(body, &batch); err != nil {
				t.Fatal(err)
			}
			for _, e := range batch.Batch {
				sent[e.MessageID] = true
			}
			clients[req.Client]++
			if req.Headers["content-encoding"] == "gzip" {
				body = zipped(t, body)
			}
			var headers []string
			for name, value := range req.Headers {
				switch name {
				case "host", "connection", "content-length", "accept-encoding", "authorization":
				default:
					headers = append(headers, name, value)
				}
			}
			if a := s.post(req.URL, body, headers...); a.Status != 200 {
				t.Errorf("%s: %d %s", req.Client, a.Status, a.Body)
			}
			if bytes.Contains(body, []byte("wk_test")) { // the key in the body is not needed beside the user name
				s.want(s.post(req.URL, body, "Authorization", ""), 401)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	replayAll()
	if len(sent) < 60 || len(clients) < 3 {
		t.Fatalf("%d events of clients %v: these are not the captured requests", len(sent), clients)
	}
	check := func() {
		t.Helper()
		stored := map[string]int{}
		for _, in := range s.inputs() {
			stored[in.Key]++
		}
		for id := range sent {
			if stored[id] != 1 {
				t.Errorf("message %s is stored %d times", id, stored[id])
			}
		}
		if len(stored) != len(sent) {
			t.Errorf("%d inputs of %d messages", len(stored), len(sent))
		}
	}
	check()
	replayAll()
	check()
	s.verify()
	if got := s.query(`SELECT DISTINCT l.email || ' ' || l.stage || ' ' || a.key FROM lead l JOIN key k ON k.lead = l.id JOIN account a ON a.id = l.account WHERE k.value IN ('user:u1', 'anon1', 'jane@acme.example')`); strings.TrimSpace(got) != "jane@acme.example lead acme.example" {
		t.Errorf("Jane is %q", got)
	}
	if got := s.query(`SELECT count(*) FROM lead`); got != "20" {
		t.Errorf("%s leads, want 20: u0 to u19", got)
	}
}
