package channel

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSlackPayload(t *testing.T) {
	got, err := slackPayload(Notice{
		Language: "en", Title: "<!channel> & co", Paragraphs: []string{"*bold* @here :tada: https://x.example\n<@U1>"},
		Facts: []Fact{{"Company", "A & B"}, {"Grade", "A1"}},
		Links: []Link{{"Accept *this* | <now>", "https://a.example/?a=1&b=<|>"}}, Footer: "why > this",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"text":"&lt;!channel&gt; &amp; co\n\n*bold* @here :tada: https://x.example\n&lt;@U1&gt;\n\nCompany: A &amp; B\nGrade: A1\n\n` +
		`Accept *this* | &lt;now&gt;:\nhttps://a.example/?a=1&amp;b=%3C%7C%3E\n\n-- \nwhy &gt; this\n",` +
		`"mrkdwn":false,"unfurl_links":false,"unfurl_media":false,"blocks":[` +
		`{"type":"header","text":{"type":"plain_text","text":"&lt;!channel&gt; &amp; co","emoji":false}},` +
		`{"type":"section","text":{"type":"plain_text","text":"*bold* @here :tada: https://x.example\n&lt;@U1&gt;","emoji":false}},` +
		`{"type":"section","fields":[{"type":"plain_text","text":"Company\nA &amp; B","emoji":false},{"type":"plain_text","text":"Grade\nA1","emoji":false}]},` +
		`{"type":"section","text":{"type":"mrkdwn","text":"<https://a.example/?a=1&amp;b=%3C%7C%3E|Accept ∗this∗ ¦ &lt;now&gt;>","verbatim":true}},` +
		`{"type":"context","elements":[{"type":"plain_text","text":"why &gt; this","emoji":false}]}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTeamsPayload(t *testing.T) {
	got, err := teamsPayload(Notice{
		Language: "en", Title: "**Zoë** {{DATE(2017-02-14T06:08:39Z)}}", Paragraphs: []string{"[a](https://x)\n\n<at>all</at>"},
		Facts: []Fact{{"Company", "# A & B"}}, Links: []Link{{"Accept", "https://a.example/?a=1&b=2"}}, Footer: "why",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"attachments":[{"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json",` +
		`"actions":[{"title":"Accept","type":"Action.OpenUrl","url":"https://a.example/?a=1&b=2"}],"body":[` +
		`{"inlines":[{"size":"large","text":"**Zoë** {` + "\u200b" + `{DATE(2017-02-14T06:08:39Z)}}","type":"TextRun","weight":"bolder"}],"style":"heading","type":"RichTextBlock"},` +
		`{"inlines":[{"text":"[a](https://x)","type":"TextRun"}],"type":"RichTextBlock"},` +
		`{"inlines":[{"text":"<at>all</at>","type":"TextRun"}],"spacing":"none","type":"RichTextBlock"},` +
		`{"inlines":[{"text":"Company: ","type":"TextRun","weight":"bolder"},{"text":"# A & B","type":"TextRun"}],"spacing":"small","type":"RichTextBlock"},` +
		`{"inlines":[{"isSubtle":true,"size":"small","text":"why","type":"TextRun"}],"type":"RichTextBlock"}],` +
		`"fallbackText":"**Zoë** {{DATE(2017-02-14T06:08:39Z)}}","lang":"en","msteams":{"width":"Full"},"type":"AdaptiveCard","version":"1.4"},` +
		`"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null}],"type":"message"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever is told stays within what the services take.
func TestChatLimits(t *testing.T) {
	for _, text := range []string{"a", "é", "&", "<", "\"", "\\", "\u2028 ", "😀", "{{", "a\n", "|*_~`"} {
		n := hugeNotice(text)
		n.Title = "title " + n.Title
		slack, err := slackPayload(n)
		if err != nil {
			t.Fatal(err)
		}
		var message struct {
			Text   string
			Blocks []struct {
				Type     string
				Text     *struct{ Type, Text string }
				Fields   []struct{ Text string }
				Elements []struct{ Text string }
			}
		}
		if err := json.Unmarshal(slack, &message); err != nil {
			t.Fatal(err)
		}
		within := func(what, s string, most int) {
			if k := utf8.RuneCountInString(s); k == 0 || k > most {
				t.Errorf("%q: %s has %d characters of %d", text, what, k, most)
			}
			if i := strings.LastIndexByte(s, '&'); i >= 0 && !strings.Contains(s[i:], ";") {
				t.Errorf("%q: %s ends in half an escape: %q", text, what, s[i:])
			}
		}
		within("text", message.Text, 4000)
		if len(message.Blocks) == 0 || len(message.Blocks) > 50 {
			t.Errorf("%q: %d blocks", text, len(message.Blocks))
		}
		for _, b := range message.Blocks {
			if b.Text != nil {
				within(b.Type, b.Text.Text, map[string]int{"header": 150, "section": 3000}[b.Type])
			}
			if len(b.Fields) > 10 || len(b.Elements) > 10 {
				t.Errorf("%q: %d fields, %d elements", text, len(b.Fields), len(b.Elements))
			}
			for _, f := range append(b.Fields, b.Elements...) {
				within("field", f.Text, 2000)
			}
		}
		teams, err := teamsPayload(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(teams) > teamsLimit || !json.Valid(teams) {
			t.Errorf("%q: %d bytes for Teams", text, len(teams))
		}
		if strings.Count(string(teams), "Action.OpenUrl") != 5 {
			t.Errorf("%q: a link is missing", text)
		}
	}
}

func TestChatAnswers(t *testing.T) {
	for _, c := range []struct {
		kind   string
		status int
		answer string
		retry  string
		want   Outcome
		after  time.Duration
		why    string
	}{
		{"slack", 200, "ok", "", Done, 0, "took it"},
		{"slack", 404, "no_service", "", Gone, 0, "no_service"},
		{"slack", 404, "channel_not_found\n", "", Gone, 0, "channel_not_found"},
		{"slack", 410, "channel_is_archived", "", Gone, 0, "channel_is_archived"},
		{"slack", 403, "invalid_token", "", Gone, 0, "invalid_token"},
		{"slack", 403, "action_prohibited", "", Never, 0, "action_prohibited"},
		{"slack", 400, "invalid_payload", "", Never, 0, "invalid_payload"},
		{"slack", 400, "something new", "", Later, 0, "status 400"},
		{"slack", 429, "rate_limited", "30", Later, 30 * time.Second, "fewer"},
		{"slack", 500, "rollup_error", "", Later, 0, "status 500"},
		{"slack", 200, "no_service", "", Done, 0, ""},
		{"teams", 202, "", "", Done, 0, "took it"},
		{"teams", 200, "1", "", Done, 0, "took it"},
		{"teams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x", "", Later, 0, "did not pass"},
		{"teams", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 410 with ContextId x", "", Gone, 0, "any more"},
		{"teams", 429, "", "10", Later, 10 * time.Second, "fewer"},
		{"teams", 404, `{"error":{"code":"WorkflowNotFound"}}`, "", Gone, 0, "workflow"},
		{"teams", 404, "", "", Later, 0, "status 404"},
		{"teams", 400, `{"error":{"code":"WorkflowTriggerIsNotEnabled"}}`, "", Later, 0, "status 400"},
		{"teams", 400, `{"error":{"code":"TriggerInputSchemaMismatch"}}`, "", Never, 0, "does not take"},
		{"teams", 413, "", "", Never, 0, "does not take"},
		{"teams", 410, "", "", Gone, 0, "no more"},
	} {
		t.Run(fmt.Sprint(c.kind, c.status, c.answer), func(t *testing.T) {
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, err := io.ReadAll(r.Body); err != nil || !json.Valid(body) || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
					t.Errorf("got %v %s, %v", r.Header, body, err)
				}
				if c.retry != "" {
					w.Header().Set("Retry-After", c.retry)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.answer)
			}))
			defer receiver.Close()
			send := poster(t, nil).Slack
			if c.kind == "teams" {
				send = poster(t, nil).Teams
			}
			r := send(t.Context(), receiver.URL+"/services/T0/B0/secret", sample(), at)
			if r.Outcome != c.want || r.Code != c.status || r.After != c.after || !strings.Contains(r.Why, c.why) || strings.Contains(r.Why, "secret") {
				t.Errorf("got %+v", r)
			}
		})
	}
	for _, n := range []Notice{{}, {Language: "en"}} {
		if r := poster(t, nil).Slack(t.Context(), "http://127.0.0.1:1/", n, at); r.Outcome != Never {
			t.Errorf("got %+v", r)
		}
		if r := poster(t, nil).Teams(t.Context(), "http://127.0.0.1:1/", n, at); r.Outcome != Never {
			t.Errorf("got %+v", r)
		}
	}
}
