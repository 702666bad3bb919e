package delivery_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"baton/internal/delivery"
	"baton/internal/store"
)

// A receiver that takes what Slack and Teams document, and says what they say of anything else. The first of each it asks to wait.
// Slack: api.slack.com/reference/block-kit/blocks and /surfaces/formatting#escaping; Teams: the trigger "When a Teams webhook request is
// received" of Workflows, and adaptivecards.io/schemas/adaptive-card.json for the elements that we use.
func strictChat(t *testing.T, wait int) *receiver {
	var slack, teams atomic.Int64
	return newReceiver(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		body := r.Context().Value(bodyKey{}).([]byte)
		first, check := &slack, checkSlack
		if strings.HasPrefix(r.URL.Path, "/workflows") {
			first, check = &teams, checkTeams
		}
		if wrong := check(body); wrong != "" {
			t.Errorf("%s: %s: %s", r.URL.Path, wrong, body)
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "invalid_blocks")
			return
		}
		if first.Add(1) == 1 {
			w.Header().Set("Retry-After", fmt.Sprint(wait))
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, "rate_limited")
			return
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/gone"):
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "channel_not_found")
		case first == &teams:
			w.WriteHeader(http.StatusAccepted)
		default:
			fmt.Fprint(w, "ok")
		}
	})
}

// escaped finds characters that Slack would read as markup.
var escaped = regexp.MustCompile(`&(amp|lt|gt);`)

func checkSlack(body []byte) string {
	type text struct {
		Type, Text string
		Emoji      *bool
		Verbatim   bool
	}
	var m struct {
		Text   string
		Blocks []struct {
			Type     string
			Text     *text
			Fields   []text
			Elements []text
		}
		Mrkdwn      *bool
		UnfurlLinks *bool `json:"unfurl_links"`
		UnfurlMedia *bool `json:"unfurl_media"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return err.Error()
	}
	if m.Text == "" || utf8.RuneCountInString(m.Text) > 40_000 || len(m.Blocks) == 0 || len(m.Blocks) > 50 {
		return fmt.Sprintf("a text of %d and %d blocks", utf8.RuneCountInString(m.Text), len(m.Blocks))
	}
	wrong := func(x text, most int, kinds string) string {
		n := utf8.RuneCountInString(x.Text)
		switch {
		case !strings.Contains(kinds, x.Type) || n == 0 || n > most:
			return fmt.Sprintf("a %s of %d characters", x.Type, n)
		case x.Type == "mrkdwn" && x.Emoji != nil, x.Type == "plain_text" && x.Verbatim:
			return "a key of the other kind of text"
		case x.Type == "plain_text" && strings.ContainsAny(escaped.ReplaceAllString(x.Text, ""), "&<>"):
			return "an unescaped character in " + x.Text
		}
		return ""
	}
	for _, b := range m.Blocks {
		most := map[string]int{"header": 150, "section": 3000, "context": 0}[b.Type]
		switch {
		case b.Type == "header" && (b.Text == nil || b.Text.Type != "plain_text"), b.Type == "section" && b.Text == nil && len(b.Fields) == 0,
			b.Type == "context" && len(b.Elements) == 0, b.Type != "header" && b.Type != "section" && b.Type != "context", len(b.Fields) > 10, len(b.Elements) > 10:
			return "a block that is not one: " + b.Type
		}
		if b.Text != nil {
			if w := wrong(*b.Text, most, "plain_text mrkdwn"); w != "" {
				return w
			}
		}
		for _, f := range append(b.Fields, b.Elements...) {
			if w := wrong(f, 2000, "plain_text mrkdwn"); w != "" {
				return w
			}
		}
	}
	return ""
}

func checkTeams(body []byte) string {
	var m struct {
		Type        string
		Attachments []struct {
			ContentType string
			ContentURL  any
			Content     struct {
				Schema       string `json:"$schema"`
				Type         string
				Version      string
				Lang         string
				FallbackText string
				Body         []map[string]any
				Actions      []struct{ Type, Title, URL string }
				Msteams      map[string]any
			}
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return err.Error()
	}
	if m.Type != "message" || len(m.Attachments) != 1 || len(body) > 28<<10 {
		return "no message with one card, or too long"
	}
	a := m.Attachments[0]
	c := a.Content
	if a.ContentType != "application/vnd.microsoft.card.adaptive" || a.ContentURL != nil || c.Type != "AdaptiveCard" || !regexp.MustCompile(`^1\.[0-5]$`).MatchString(c.Version) || len(c.Body) == 0 {
		return fmt.Sprintf("no Adaptive Card of a version that Teams shows: %s %s", c.Type, c.Version)
	}
	for _, e := range c.Body {
		inlines, _ := e["inlines"].([]any)
		if e["type"] != "RichTextBlock" || len(inlines) == 0 {
			return fmt.Sprintf("an element %v", e["type"])
		}
		for _, in := range inlines {
			if run, _ := in.(map[string]any); run["type"] != "TextRun" || run["text"] == "" {
				return fmt.Sprintf("an inline %v", in)
			}
		}
	}
	for _, x := range c.Actions {
		if x.Type != "Action.OpenUrl" || x.Title == "" || !strings.HasPrefix(x.URL, "http") {
			return fmt.Sprintf("an action %v", x)
		}
	}
	return ""
}

// Slack and Teams get what they document, from decisions on; when they ask to wait they are left alone for as long, and what they say is with the attempts.
func TestChatAsDocumented(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		const wait = 600 // seconds: more than any delay of the test's schedule
		o := open(t, db, "alerts:\n  x: {event: offered, to: [owner, cmo@northwind.example], by: [slack, teams]}\n")
		r := strictChat(t, wait)
		var later atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		o.run(func(opts *delivery.Options) {
			opts.Clock, opts.Each, opts.Chat = now, 1, 1
			opts.Slack = map[string]string{"": r.URL + "/services/T0/B0/secret", "cmo@northwind.example": r.URL + "/services/T0/B0/gone"}
			opts.Teams = map[string]string{"": r.URL + "/workflows/x/triggers/manual/paths/invoke"}
		})
		o.named("ada@acme.example", "<!channel> & \"co\" *b* "+strings.Repeat("é", 300))
		waiting := func(list []store.Job) (n int) {
			for _, j := range list {
				if j.State == store.JobWaiting && j.Attempts == 1 {
					n++
				}
			}
			return n
		}
		asked := o.until("asked to wait", func(l []store.Job) bool { return len(l) == 4 && waiting(l) == 2 && waiting(l)+countDone(l) == 4 })
		for _, j := range asked {
			if j.State == store.JobWaiting && (j.NextTry < now().UnixMicro()+(wait-60)*1e6 || !strings.Contains(j.LastError, "asked for fewer messages (429)")) {
				t.Errorf("asked to wait for %d s, and it is tried again in %d s: %s", wait, (j.NextTry-now().UnixMicro())/1e6, j.LastError)
			}
		}
		before := len(r.got())
		later.Store(int64(wait * 2 * time.Second))
		list := o.until("after that", over)
		if got := len(r.got()) - before; got != 2 {
			t.Errorf("%d more calls", got)
		}
		gone := 0
		for _, j := range list {
			attempts, err := o.Store.Attempts(t.Context(), j.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range attempts {
				if a.Code == http.StatusTooManyRequests && (a.Outcome != "later" || a.Said != "rate_limited") {
					t.Errorf("%+v", a)
				}
			}
			if j.State == store.JobFailed {
				gone++
				if !strings.Contains(j.LastError, "Slack does not take messages at this URL any more (channel_not_found)") || strings.Contains(j.LastError, "secret") {
					t.Errorf("%+v", j)
				}
			}
		}
		if gone != 1 {
			t.Errorf("%d failed: %+v", gone, list)
		}
	})
}

func countDone(list []store.Job) (n int) {
	for _, j := range list {
		if j.State == store.JobDone || j.State == store.JobFailed {
			n++
		}
	}
	return n
}

// What a lead is called can be anything, and as long as anybody makes it.
func TestChatLongNames(t *testing.T) {
	o := open(t, filepath.Join(t.TempDir(), "b.db"), "alerts:\n  x: {event: offered, to: owner, by: [slack, teams]}\n")
	r := strictChat(t, 0)
	for _, name := range []string{"<@U1|x> & {{DATE(2017)}}", strings.Repeat("&", 2000), strings.Repeat("😀", 2000), "a\nb\x00c"} {
		o.named(fmt.Sprintf("p%d@acme.example", len(name)), name)
	}
	o.run(func(opts *delivery.Options) {
		opts.Slack, opts.Teams = map[string]string{"": r.URL + "/services/x"}, map[string]string{"": r.URL + "/workflows/x"}
	})
	for _, j := range o.until("sent", func(l []store.Job) bool { return len(l) == 8 && over(l) }) {
		if j.State != store.JobDone {
			t.Errorf("%+v", j)
		}
	}
}
