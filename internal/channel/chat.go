package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Slack tells a notice to a channel of Slack by an incoming webhook. at is now.
func (p *Poster) Slack(ctx context.Context, to string, n Notice, at int64) Result {
	payload, err := slackPayload(n)
	if err != nil {
		return Result{Outcome: Never, Why: err.Error()}
	}
	r, answer := p.post(ctx, to, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, payload, at)
	return judgeSlack(r, strings.TrimSpace(answer))
}

// judgeSlack adds what Slack says in words to what the status says.
func judgeSlack(r Result, answer string) Result {
	switch answer {
	case "no_service", "no_service_id", "no_team", "team_disabled", "no_active_hooks", "invalid_token", "channel_not_found",
		"channel_is_archived", "user_not_found":
		if r.Code >= 400 {
			r.Outcome, r.After = Gone, 0
			r.Why = "Slack does not take messages at this URL any more (" + answer + ")"
		}
	case "invalid_payload", "invalid_blocks", "no_text", "too_many_attachments", "action_prohibited", "posting_to_general_channel_denied":
		if r.Code >= 400 {
			r.Outcome, r.After = Never, 0
			r.Why = "Slack does not take this message (" + answer + ")"
		}
	}
	return r
}

// slackText is a text object of Slack's blocks.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Fields   []slackText `json:"fields,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

// slackPlain is text that Slack shows as it is: not as mrkdwn, without links, mentions and :smileys:.
func slackPlain(s string) slackText {
	off := false
	return slackText{Type: "plain_text", Text: s, Emoji: &off}
}

// slackEscape escapes the three characters that mean something in every text of Slack.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// slackLabel is a text for within a link of mrkdwn, where formatting would count too. There is no way to escape
// it, so look-alikes stand in.
var slackLabel = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "¦", "*", "∗", "_", "ˍ", "~", "∼", "`", "ˋ").Replace

// slackPayload writes a notice as blocks, with the whole as text beside them for notifications and screen readers.
// What users wrote is only ever in plain text, but for the words of links. Limits of Slack: 50 blocks, 150 characters
// in a header, 3000 in a text, 2000 in a field, 10 fields; Notice stays below all of them.
func slackPayload(n Notice) ([]byte, error) {
	n, err := n.clean()
	if err != nil {
		return nil, err
	}
	title := slackPlain(clipEscaped(slackEscape(n.Title), 150))
	blocks := []slackBlock{{Type: "header", Text: &title}}
	for _, p := range n.Paragraphs {
		text := slackPlain(clipEscaped(slackEscape(p), 3000))
		blocks = append(blocks, slackBlock{Type: "section", Text: &text})
	}
	for i := 0; i < len(n.Facts); i += 10 {
		var fields []slackText
		for _, f := range n.Facts[i:min(i+10, len(n.Facts))] {
			fields = append(fields, slackPlain(clipEscaped(slackEscape(f.Name+"\n"+f.Value), 2000)))
		}
		blocks = append(blocks, slackBlock{Type: "section", Fields: fields})
	}
	for _, l := range n.Links {
		// links, not buttons: a button wants an app behind it that answers
		text := slackText{Type: "mrkdwn", Text: "<" + slackEscape(l.URL) + "|" + slackLabel(l.Text) + ">", Verbatim: true}
		blocks = append(blocks, slackBlock{Type: "section", Text: &text})
	}
	if n.Footer != "" {
		blocks = append(blocks, slackBlock{Type: "context", Elements: []slackText{slackPlain(clipEscaped(slackEscape(n.Footer), 2000))}})
	}
	return encode(struct {
		Text   string       `json:"text"`
		Mrkdwn bool         `json:"mrkdwn"`
		Unfurl bool         `json:"unfurl_links"`
		Media  bool         `json:"unfurl_media"`
		Blocks []slackBlock `json:"blocks"`
	}{Text: clipEscaped(slackEscape(n.text()), 4000), Blocks: blocks})
}

// clipEscaped shortens an escaped text to at most n characters, without cutting an escape in two. Slack does not
// say whether it counts before or after, so this does after.
func clipEscaped(s string, n int) string {
	short := clip(s, n)
	if short == s {
		return s
	}
	short = strings.TrimSuffix(short, "…")
	if i := strings.LastIndexByte(short, '&'); i >= 0 && !strings.Contains(short[i:], ";") {
		short = short[:i]
	}
	return short + "…"
}

// Teams tells a notice to a channel or chat of Microsoft Teams by the URL of a Workflows webhook. at is now.
func (p *Poster) Teams(ctx context.Context, to string, n Notice, at int64) Result {
	payload, err := teamsPayload(n)
	if err != nil {
		return Result{Outcome: Never, Why: err.Error()}
	}
	r, answer := p.post(ctx, to, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, payload, at)
	return judgeTeams(r, answer)
}

// judgeTeams adds what Teams says in words to what the status says.
func judgeTeams(r Result, answer string) Result {
	switch {
	case r.Outcome == Done && strings.Contains(answer, "Microsoft Teams endpoint returned HTTP error"):
		// the older connectors say 200 and tell in words that they did not deliver
		r.Outcome = Later
		r.Why = "Teams did not pass the message on"
		if strings.Contains(answer, "HTTP error 410") || strings.Contains(answer, "HTTP error 404") {
			r.Outcome = Gone
			r.Why = "Teams does not take messages at this URL any more"
		}
	case r.Code == http.StatusNotFound && strings.Contains(answer, "WorkflowNotFound"):
		r.Outcome, r.After = Gone, 0
		r.Why = "the workflow in Teams that took these messages is not there any more"
	case r.Code == http.StatusBadRequest && strings.Contains(answer, "TriggerInputSchemaMismatch"),
		r.Code == http.StatusRequestEntityTooLarge:
		r.Outcome, r.After = Never, 0
		r.Why = "Teams does not take this message"
	}
	return r
}

// card is an element of an Adaptive Card.
type card map[string]any

// teamsLimit is how long a message to Teams may be: 28 KB, with room for what they wrap around it.
const teamsLimit = 24 << 10

// teamsPayload writes a notice as an Adaptive Card. What users wrote stands in text runs, which, unlike text blocks and
// facts, know no Markdown.
func teamsPayload(n Notice) ([]byte, error) {
	n, err := n.clean()
	if err != nil {
		return nil, err
	}
	for {
		payload, err := encode(teamsCard(n))
		if err != nil || len(payload) <= teamsLimit {
			return payload, err
		}
		if k := len(n.Paragraphs); k > 1 {
			n.Paragraphs = append(n.Paragraphs[:k-2], "…")
		} else if k := len(n.Facts); k > 0 {
			n.Facts = n.Facts[:k-1]
		} else {
			return nil, fmt.Errorf("reading the notice: it has %d bytes for Teams, which takes %d", len(payload), teamsLimit)
		}
	}
}

// encode writes JSON without escaping what only matters within HTML: & in a URL would become six characters.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing the notice: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func teamsCard(n Notice) card {
	body := []card{{
		"type": "RichTextBlock", "style": "heading",
		"inlines": []card{run(n.Title, card{"weight": "bolder", "size": "large"})},
	}}
	for _, p := range n.Paragraphs {
		for i, line := range strings.Split(p, "\n") {
			block := card{"type": "RichTextBlock", "inlines": []card{run(line, nil)}}
			if i > 0 {
				block["spacing"] = "none"
			}
			if line != "" {
				body = append(body, block)
			}
		}
	}
	for _, f := range n.Facts {
		body = append(body, card{"type": "RichTextBlock", "spacing": "small",
			"inlines": []card{run(f.Name+": ", card{"weight": "bolder"}), run(f.Value, nil)}})
	}
	if n.Footer != "" {
		body = append(body, card{"type": "RichTextBlock", "inlines": []card{run(n.Footer, card{"size": "small", "isSubtle": true})}})
	}
	var actions []card
	for _, l := range n.Links {
		actions = append(actions, card{"type": "Action.OpenUrl", "title": l.Text, "url": l.URL})
	}
	content := card{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"lang": n.Language, "fallbackText": n.Title, "body": body, "msteams": card{"width": "Full"},
	}
	if len(actions) > 0 {
		content["actions"] = actions
	}
	return card{"type": "message", "attachments": []card{{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": content,
	}}}
}

// run is text that is shown as it is. {{DATE(…)}} would be replaced by a date in any text: a space that has no
// width keeps the braces apart.
func run(s string, style card) card {
	c := card{"type": "TextRun", "text": strings.ReplaceAll(s, "{{", "{\u200b{")}
	for k, v := range style { // order: encoding/json sorts keys
		c[k] = v
	}
	return c
}
