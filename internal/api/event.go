package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"baton/internal/agreement"
)

// event is one call of Segment's API, as it was written. What nobody here asks about is passed over.
type event struct {
	kind                                      string
	userID, anonymousID, previousID, groupID  string
	messageID, event, name                    string
	timestamp, originalTimestamp, sentAt, key string
	traits, properties                        fields
	context                                   about
}

// about is the context of an event.
type about struct {
	userAgent, groupID, timezone, locale string
	campaign                             campaign
	page                                 page
	traits                               fields
}

// page is the page on which something happened.
type page struct{ url, path, title, referrer string }

// campaign is what brought somebody, as the utm parameters of the address said.
type campaign struct{ name, source, medium string }

// field is a member of an object, the names of nested ones joined by dots.
type field struct {
	name  string
	value agreement.Value
}

type fields []field

// get returns the text of a field, "" for none.
func (f fields) get(name string) string {
	for i := range f {
		if f[i].name == name && (f[i].value.Kind == agreement.Text || f[i].value.Kind == agreement.Number) {
			return f[i].value.String()
		}
	}
	return ""
}

// call is a request: one event or many.
type call struct {
	key     string // write key in the body
	sentAt  string
	context about
	events  []event
	fields  fields // of the events, end to end
	reading int    // the event being read, counted from 1; 0 outside of events
}

// calls are used again: the events of a batch take more memory than all else that is done with them here.
var calls = sync.Pool{New: func() any { return new(call) }}

// release gives a call back. Nothing of it is in use any more, but for its texts.
func (c *call) release() {
	if cap(c.fields) > 20*mostEvents {
		return
	}
	clear(c.events)
	clear(c.fields)
	*c = call{events: c.events[:0], fields: c.fields[:0]}
	calls.Put(c)
}

// Bounds of names and IDs, in bytes, and of nesting. (The JSON reader itself refuses 10,000 levels.)
const (
	mostMessageID = 100
	mostID        = 500
	mostName      = 200
	mostFields    = 250 // traits or properties of an event: each that the agreement does not have costs a sentence in the decision
	mostFlat      = 4   // objects in objects that become dotted names; those below stay JSON
)

// parseCall reads a body: one event of a kind, or a batch if kind is "". An error names the event. The call is given back
// with release.
func parseCall(text []byte, kind string) (*call, error) {
	c := calls.Get().(*call)
	r := newReader(text)
	r.fields = c.fields
	var err error
	if kind == "" {
		err = c.readBatch(r)
	} else {
		c.events = append(c.events, event{})
		if err = c.events[0].read(r); err == nil {
			c.events[0].kind, c.key = kind, c.events[0].key
		}
		if err == nil && len(text) > mostEvent {
			err = tooLarge(len(text))
		}
	}
	c.fields = r.fields
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, wrong(c.reading, kind == "", err)
	}
	for i := range c.events {
		if err := c.events[i].check(); err != nil {
			return nil, wrong(i+1, kind == "", err)
		}
	}
	return c, nil
}

func tooLarge(n int) error {
	return fmt.Errorf("it has %d bytes and may have %d; send less with it", n, mostEvent)
}

// wrong says what is wrong with an event of a batch, or with the whole request.
func wrong(number int, batch bool, err error) error {
	p := &problem{status: http.StatusBadRequest, detail: err.Error()}
	if batch && number > 0 {
		p.event = number
		p.detail = fmt.Sprintf("event %d of the batch (counted from 0): %s; nothing of the batch was taken in", number-1, p.detail)
	}
	return p
}

// check finds out whether an event says what it must.
func (e *event) check() error {
	switch e.kind {
	case "identify", "page", "screen":
	case "track":
		if e.event == "" {
			return errors.New("a track call needs the name of what happened in event")
		}
	case "group":
		if e.groupID == "" {
			return errors.New("a group call needs a groupId")
		}
	case "alias":
		if e.previousID == "" || e.userID == "" {
			return errors.New("an alias call needs a previousId and a userId")
		}
	case "":
		return errors.New("type is missing: identify, track, page, screen, group or alias")
	default:
		return fmt.Errorf("%.40q is no type of call: use identify, track, page, screen, group or alias", e.kind)
	}
	if e.userID == "" && e.anonymousID == "" {
		return errors.New("it needs a userId or an anonymousId, so that Baton knows whom it is about")
	}
	for _, id := range [...]struct{ name, value string }{{"userId", e.userID}, {"anonymousId", e.anonymousID}, {"previousId", e.previousID}, {"groupId", e.groupID}} {
		if len(id.value) > mostID {
			return fmt.Errorf("%s has %d bytes and may have %d", id.name, len(id.value), mostID)
		}
	}
	if n := len([]rune(e.messageID)); n > mostMessageID {
		return fmt.Errorf("messageId has %d characters and may have %d", n, mostMessageID)
	}
	if len(e.event) > mostName || len(e.name) > mostName {
		return fmt.Errorf("the name of what happened has %d bytes and may have %d", max(len(e.event), len(e.name)), mostName)
	}
	return nil
}

// occurred returns when an event occurred, in UTC microseconds: by its sender's clock, put right by
// how far that clock was off when it sent, and never after it was received.
//
// A sender that gives originalTimestamp too has worked timestamp out, or was told it: it counts as it is.
func (e *event) occurred(sentAt string, received int64) (int64, error) {
	stamp, skewed := e.timestamp, true
	if e.originalTimestamp != "" {
		if stamp == "" {
			stamp = e.originalTimestamp
		} else {
			skewed = false
		}
	}
	if stamp == "" {
		return received, nil
	}
	at, err := parseMoment(stamp)
	if err != nil {
		return 0, fmt.Errorf("its time: %w", err)
	}
	if e.sentAt != "" {
		sentAt = e.sentAt
	}
	if skewed && sentAt != "" {
		sent, err := parseMoment(sentAt)
		if err != nil {
			return 0, fmt.Errorf("sentAt: %w", err)
		}
		at = max(received-(sent-at), 0)
	}
	return min(at, received), nil
}

// parseMoment reads an instant as ISO 8601 writes it; without a zone it is UTC.
func parseMoment(s string) (int64, error) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			if at := t.UnixMicro(); at >= 0 {
				return at, nil
			}
			return 0, fmt.Errorf("%.40q is before 1970", s)
		}
	}
	return 0, fmt.Errorf("%.40q is no time; write it as 2026-03-31T15:04:05.678Z", s)
}

// reader reads JSON token by token, because the structs and maps in between would cost more than all else.
type reader struct {
	*jsontext.Decoder
	whole  string // what is read; see part
	fields fields // of all objects that were read, end to end
}

// newReader reads from text, which stays as it is.
func newReader(text []byte) *reader {
	return &reader{Decoder: jsontext.NewDecoder(bytes.NewBuffer(text)), whole: string(text)}
}

// end makes sure that nothing follows.
func (r *reader) end() error {
	if r.PeekKind() == 0 {
		if _, err := r.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	return errors.New("something follows the JSON object")
}

// open begins an object. It is false for null, which is passed over, and for what is no object.
func (r *reader) open() (bool, error) {
	if kind := r.PeekKind(); kind != '{' {
		if kind == 'n' {
			return false, r.skip()
		}
		return false, r.unexpected("an object")
	}
	_, err := r.ReadToken()
	return err == nil, readable(err)
}

// member returns the name of an object's next member as it is written, without its quotes and valid until its
// value is read, which must follow; nil at the end and after an error.
func (r *reader) member() ([]byte, error) {
	if kind := r.PeekKind(); kind == '}' || kind == 0 {
		_, err := r.ReadToken()
		return nil, readable(err)
	}
	raw, err := r.ReadValue()
	if err != nil || len(raw) < 2 {
		return nil, readable(err)
	}
	return raw[1 : len(raw)-1], nil
}

// object has each member of an object read, by its name as it is written.
func (r *reader) object(read func(name []byte) error) error {
	ok, err := r.open()
	for ok && err == nil {
		var name []byte
		if name, err = r.member(); name == nil {
			break
		}
		err = read(name)
	}
	return err
}

// unexpected says that a value is not what it should be, or why there is none.
func (r *reader) unexpected(wanted string) error {
	if _, err := r.ReadValue(); err != nil {
		return readable(err)
	}
	if at := string(r.StackPointer()); at != "" {
		return fmt.Errorf("%s should be %s", clip(at), wanted)
	}
	return fmt.Errorf("the body should be %s", wanted)
}

func (r *reader) skip() error { return readable(r.SkipValue()) }

// text reads a text that somebody may keep; a number is taken as it is written, null as nothing.
func (r *reader) text(to *string) error {
	err := r.part(to)
	*to = strings.Clone(*to)
	return err
}

// part reads a text as text does. It is a part of the whole that is read, which stays in memory as long as it does: it is for
// what is done with when the request is.
func (r *reader) part(to *string) error {
	switch r.PeekKind() {
	case '"':
		raw, err := r.ReadValue()
		if err != nil {
			return readable(err)
		}
		*to, err = r.unquote(raw[1 : len(raw)-1])
		return err
	case '0':
		raw, err := r.ReadValue()
		if err != nil {
			return readable(err)
		}
		*to = string(raw)
		return nil
	case 'n':
		return r.skip()
	}
	return r.unexpected("a text")
}

// unquote returns the text between the quotes of the value that was read last.
func (r *reader) unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		end := int(r.InputOffset()) - 1
		return r.whole[end-len(raw) : end], nil
	}
	unquoted, err := jsontext.AppendUnquote(nil, append(append([]byte{'"'}, raw...), '"'))
	return clean(string(unquoted)), readable(err)
}

// clean takes NUL out of a text: no database column holds it.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return strings.ReplaceAll(s, "\x00", "")
	}
	return s
}

// members reads the members of an object as fields.
func (r *reader) members(to *fields, text textReader) error {
	before := len(r.fields)
	err := r.flat("", 0, before+mostFields, text)
	*to = r.fields[before:len(r.fields):len(r.fields)]
	return err
}

// textReader is text or part.
type textReader func(r *reader, to *string) error

// flat reads the members of an object as fields, their names behind a prefix, until there are so many.
func (r *reader) flat(prefix string, depth, most int, text textReader) error {
	ok, err := r.open()
	for ok {
		var raw []byte
		if raw, err = r.member(); raw == nil {
			return err
		}
		name, err := r.unquote(raw)
		if err != nil {
			return err
		}
		if prefix != "" {
			name = prefix + name
		}
		if r.PeekKind() == '{' && depth < mostFlat {
			err = r.flat(name+".", depth+1, most, text)
		} else {
			var v agreement.Value
			if v, err = r.value(text); v.Known() {
				r.fields = append(r.fields, field{name, v})
			}
			if len(r.fields) > most {
				return fmt.Errorf("it has more than %d traits or properties; send those that tell something", mostFields)
			}
		}
		if err != nil {
			return err
		}
	}
	return err
}

// value reads the value of a field; missing for null and for a text with nothing in it. Lists and objects
// become texts: their JSON.
func (r *reader) value(text textReader) (agreement.Value, error) {
	switch r.PeekKind() {
	case '"':
		var s string
		if err := text(r, &s); err != nil || strings.TrimSpace(s) == "" {
			return agreement.Value{}, err
		}
		return agreement.TextValue(s), nil
	case '0':
		raw, err := r.ReadValue()
		if err != nil {
			return agreement.Value{}, readable(err)
		}
		return numberValue(raw), nil
	case 't', 'f':
		token, err := r.ReadToken()
		if err != nil {
			return agreement.Value{}, readable(err)
		}
		return agreement.BooleanValue(token.Bool()), nil
	case '{', '[':
		raw, err := r.ReadValue()
		if err != nil {
			return agreement.Value{}, readable(err)
		}
		raw = bytes.Clone(raw)
		if err := raw.Compact(); err != nil {
			return agreement.Value{}, readable(err)
		}
		return agreement.TextValue(string(raw)), nil
	}
	return agreement.Value{}, r.skip()
}

// numberValue reads a number. One that a float64 does not hold stays a text: it is an ID more
// likely than an amount.
func numberValue(raw []byte) agreement.Value {
	digits := 0
	for _, c := range raw {
		if '0' <= c && c <= '9' {
			digits++
		} else if c != '-' {
			digits = -len(raw)
		}
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(n, 0) || digits > 15 {
		return agreement.TextValue(string(raw))
	}
	return agreement.NumberValue(n + 0) // no negative zero, which would not be read back
}

func (c *call) readBatch(r *reader) error {
	found := false
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "writeKey":
			return r.text(&c.key)
		case "sentAt":
			return r.part(&c.sentAt)
		case "context":
			return c.context.read(r)
		case "batch":
			found = true
			return c.readEvents(r)
		default:
			return r.skip()
		}
	})
	if err != nil {
		return err
	}
	if !found {
		return errors.New("batch is missing: the list of events")
	}
	if c.key == "" && len(c.events) > 0 {
		c.key = c.events[0].key
	}
	return nil
}

func (c *call) readEvents(r *reader) error {
	if r.PeekKind() != '[' {
		return r.unexpected("a list of events")
	}
	if _, err := r.ReadToken(); err != nil {
		return readable(err)
	}
	c.events = slices.Grow(c.events, min(mostEvents, len(r.UnreadBuffer())/512+1))
	for r.PeekKind() != ']' {
		if len(c.events) == mostEvents {
			c.reading = 0
			return fmt.Errorf("the batch has more than %d events; send them in smaller batches", mostEvents)
		}
		c.events = append(c.events, event{})
		c.reading = len(c.events)
		e := &c.events[c.reading-1]
		before := r.InputOffset()
		if r.PeekKind() != '{' {
			return r.unexpected("an object")
		}
		if err := e.read(r); err != nil {
			return err
		}
		if n := int(r.InputOffset() - before); n > mostEvent {
			return tooLarge(n)
		}
	}
	c.reading = 0
	_, err := r.ReadToken()
	return readable(err)
}

func (e *event) read(r *reader) error {
	if r.PeekKind() == 'n' {
		return r.unexpected("an object")
	}
	return r.object(func(name []byte) error {
		switch string(name) {
		case "type":
			return r.part(&e.kind)
		case "userId":
			return r.id(&e.userID)
		case "anonymousId":
			return r.id(&e.anonymousID)
		case "previousId":
			return r.id(&e.previousID)
		case "groupId":
			return r.id(&e.groupID)
		case "messageId":
			return r.text(&e.messageID)
		case "event":
			return r.part(&e.event)
		case "name":
			return r.part(&e.name)
		case "timestamp":
			return r.part(&e.timestamp)
		case "originalTimestamp":
			return r.part(&e.originalTimestamp)
		case "sentAt":
			return r.part(&e.sentAt)
		case "writeKey":
			return r.text(&e.key)
		case "traits":
			return r.members(&e.traits, (*reader).text)
		case "properties":
			return r.members(&e.properties, (*reader).part)
		case "context":
			return e.context.read(r)
		default:
			return r.skip()
		}
	})
}

// id reads an ID. Those that a program writes when it has none would make many people one: they are none.
func (r *reader) id(to *string) error {
	if err := r.text(to); err != nil {
		return err
	}
	*to = strings.TrimSpace(*to)
	if len(*to) > len("[object object]") {
		return nil
	}
	switch strings.ToLower(*to) {
	case "null", "undefined", "none", "nil", "nan", "(null)", "[object object]", "0", "-1", "true", "false":
		*to = ""
	}
	return nil
}

func (a *about) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "userAgent":
			return r.part(&a.userAgent)
		case "groupId":
			return r.id(&a.groupID)
		case "timezone":
			return r.part(&a.timezone)
		case "locale":
			return r.part(&a.locale)
		case "campaign":
			return a.campaign.read(r)
		case "page":
			return a.page.read(r)
		case "traits":
			return r.members(&a.traits, (*reader).text)
		default:
			return r.skip()
		}
	})
}

func (p *page) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "url":
			return r.part(&p.url)
		case "path":
			return r.part(&p.path)
		case "title":
			return r.part(&p.title)
		case "referrer":
			return r.part(&p.referrer)
		default:
			return r.skip()
		}
	})
}

func (c *campaign) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "name":
			return r.text(&c.name)
		case "source":
			return r.text(&c.source)
		case "medium":
			return r.text(&c.medium)
		default:
			return r.skip()
		}
	})
}

// readable puts what the JSON reader says into a sentence.
func readable(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the body is empty: JSON should stand there")
	}
	text := strings.TrimPrefix(err.Error(), "jsontext: ")
	return fmt.Errorf("this is not JSON as it should be: %s", clip(text))
}

// clip keeps what a sender wrote short enough for an answer.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
