package lifecycle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"baton/internal/agreement"
)

// The state of a lead, an account and the roster is stored in a compact binary form: varints in a
// fixed order behind a format number. It is Baton's own; everything a reader may want stands
// in columns and views beside it. The slots in it belong to the Version of the agreement it names.

const (
	leadFormat    = 4
	accountFormat = 1
	rosterFormat  = 4
)

var errShort = errors.New("the stored state ends too early")

// AppendLead appends the stored form of a lead.
func AppendLead(b []byte, l *Lead) []byte {
	b = append(b, leadFormat)
	for _, n := range [...]int64{l.Version, l.ID, l.Account, l.Seq, l.Clock, l.Created, int64(l.Origin), l.Total, l.FitPoints,
		l.Engagement, int64(l.Grade.Fit), int64(l.Grade.Engagement), int64(l.Readiness), int64(l.Asset), l.AssetAt, int64(l.BuyingStage),
		int64(l.Stage), l.Entered, int64(l.Pass), l.PassFrom, flag(l.Returned) | 2*flag(l.Placed), int64(l.Track), l.Revisit, int64(l.Queue), int64(l.Back),
		l.Cleared, int64(l.Consent.Status), l.Consent.At, l.Wake, l.Attend} {
		b = binary.AppendVarint(b, n)
	}
	b = appendText(b, l.Owner)
	b = appendText(b, l.Consent.Source)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(l.Value))
	b = appendValues(b, l.Attributes)
	b = appendValues(b, l.Answers)
	b = binary.AppendUvarint(b, uint64(len(l.Activities)))
	for i := range l.Activities {
		m := &l.Activities[i]
		b = binary.AppendVarint(b, int64(m.Activity))
		b = binary.AppendVarint(b, m.Count)
		b = binary.AppendVarint(b, m.First)
		b = binary.AppendVarint(b, m.Last-m.First)
		b = appendInstants(b, m.Recent)
	}
	b = binary.AppendUvarint(b, uint64(len(l.Rules)))
	for i := range l.Rules {
		m := &l.Rules[i]
		b = binary.AppendVarint(b, int64(m.Rule))
		b = binary.AppendVarint(b, m.Points)
		b = binary.AppendVarint(b, m.Ref)
		b = appendInstants(b, m.Counted)
	}
	b = binary.AppendUvarint(b, uint64(len(l.Fit)))
	for _, i := range l.Fit {
		b = binary.AppendVarint(b, int64(i))
	}
	h := &l.Handoff
	for _, n := range [...]int64{h.ID, int64(h.Rule), int64(h.State), h.Offered, h.Since, h.Accepted, h.Contacted, int64(h.Reassigned), int64(h.Reason)} {
		b = binary.AppendVarint(b, n)
	}
	b = appendTexts(b, h.Tried)
	b = binary.AppendUvarint(b, uint64(len(l.Clocks)))
	for i := range l.Clocks {
		k := &l.Clocks[i]
		b = appendText(b, k.Name)
		for _, n := range [...]int64{k.Started, k.Version, k.Within, int64(k.Unit), k.Used, k.Since, k.Due, int64(k.State), int64(k.Breaches), int64(k.Step), k.Remind, k.Asked} {
			b = binary.AppendVarint(b, n)
		}
		b = appendText(appendText(b, k.Member), k.AskedBy)
	}
	b = appendTexts(b, l.Done)
	for _, n := range [...]int64{l.Call.Since, l.Call.Ends, int64(l.Call.Tries), l.Call.Last, l.Call.Next, l.Call.Until} {
		b = binary.AppendVarint(b, n)
	}
	b = appendText(b, l.Call.Holder)
	b = appendText(b, l.Marketing)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(l.Probability))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(l.Effort))
	return appendTexts(b, l.Competitors)
}

// ParseLead reads what AppendLead wrote.
func ParseLead(b []byte) (*Lead, error) {
	r := newReader(b, leadFormat)
	l := &Lead{}
	l.Version, l.ID, l.Account, l.Seq, l.Clock, l.Created = r.int(), r.int(), r.int(), r.int(), r.int(), r.int()
	l.Origin, l.Total, l.FitPoints, l.Engagement = agreement.Side(r.int()), r.int(), r.int(), r.int()
	l.Grade = agreement.Grade{Fit: uint8(r.int()), Engagement: uint8(r.int())}
	l.Readiness, l.Asset, l.AssetAt, l.BuyingStage = int(r.int()), int(r.int()), r.int(), int(r.int())
	l.Stage, l.Entered, l.Pass, l.PassFrom = int(r.int()), r.int(), int(r.int()), r.int()
	flags := r.int()
	l.Returned, l.Placed = flags&1 != 0, flags&2 != 0
	l.Track, l.Revisit, l.Queue, l.Back, l.Cleared = int(r.int()), r.int(), int(r.int()), int(r.int()), r.int()
	l.Consent = Consent{Status: ConsentStatus(r.int()), At: r.int()}
	l.Wake, l.Attend = r.int(), r.int()
	l.Owner, l.Consent.Source = r.text(), r.text()
	l.Value = r.float()
	l.Attributes, l.Answers = r.values(), r.values()
	if n := r.count(5); n > 0 {
		l.Activities = make([]agreement.Memory, n)
		for i := range l.Activities {
			m := &l.Activities[i]
			m.Activity, m.Count, m.First = int(r.int()), r.int(), r.int()
			m.Last = m.First + r.int()
			m.Recent = r.instants()
		}
	}
	if n := r.count(4); n > 0 {
		l.Rules = make([]RuleMemory, n)
		for i := range l.Rules {
			l.Rules[i] = RuleMemory{Rule: int(r.int()), Points: r.int(), Ref: r.int(), Counted: r.instants()}
		}
	}
	if n := r.count(1); n > 0 {
		l.Fit = make([]int, n)
		for i := range l.Fit {
			l.Fit[i] = int(r.int())
		}
	}
	h := &l.Handoff
	h.ID, h.Rule, h.State, h.Offered, h.Since = r.int(), int(r.int()), HandoffState(r.int()), r.int(), r.int()
	h.Accepted, h.Contacted, h.Reassigned, h.Reason = r.int(), r.int(), int(r.int()), int(r.int())
	h.Tried = r.texts()
	if n := r.count(15); n > 0 {
		l.Clocks = make([]Clock, n)
		for i := range l.Clocks {
			l.Clocks[i] = Clock{Name: r.text(), Started: r.int(), Version: r.int(), Within: r.int(), Unit: uint8(r.int()), Used: r.int(),
				Since: r.int(), Due: r.int(), State: ClockState(r.int()), Breaches: int(r.int()), Step: int(r.int()), Remind: r.int(), Asked: r.int(), Member: r.text(), AskedBy: r.text()}
		}
	}
	l.Done = r.texts()
	l.Call = Call{Since: r.int(), Ends: r.int(), Tries: int(r.int()), Last: r.int(), Next: r.int(), Until: r.int(), Holder: r.text()}
	l.Marketing = r.text()
	l.Probability, l.Effort, l.Competitors = r.float(), r.float(), r.texts()
	return l, r.end("lead")
}

// AppendAccount appends the stored form of an account.
func AppendAccount(b []byte, a *Account) []byte {
	b = append(b, accountFormat)
	for _, n := range [...]int64{a.Version, a.ID, a.Seq} {
		b = binary.AppendVarint(b, n)
	}
	b = appendText(b, a.Key)
	b = appendText(b, a.Owner)
	return appendValues(b, a.Attributes)
}

// ParseAccount reads what AppendAccount wrote.
func ParseAccount(b []byte) (*Account, error) {
	r := newReader(b, accountFormat)
	a := &Account{Version: r.int(), ID: r.int(), Seq: r.int(), Key: r.text(), Owner: r.text(), Attributes: r.values()}
	return a, r.end("account")
}

// AppendRoster appends the stored form of the roster. The working hours of the people of the agreement are not in
// it: they are looked up there.
func AppendRoster(b []byte, o *Roster) []byte {
	b = append(b, rosterFormat)
	b = binary.AppendVarint(b, o.Seq)
	b = binary.AppendVarint(b, o.Version)
	b = binary.AppendUvarint(b, uint64(len(o.Members)))
	for i := range o.Members {
		m := &o.Members[i]
		b = appendText(appendText(appendText(b, m.ID), m.Name), m.Manager)
		for _, n := range [...]int64{int64(m.Side), int64(m.Weight), int64(m.Capacity), flag(m.Inactive), int64(m.Open), m.Taken, int64(m.PerDay), int64(m.Day), int64(m.Today)} {
			b = binary.AppendVarint(b, n)
		}
		b = binary.AppendUvarint(b, uint64(len(m.Pools)))
		for _, p := range m.Pools {
			b = binary.AppendVarint(b, int64(p))
		}
		for _, traits := range m.Traits {
			b = binary.AppendUvarint(b, uint64(len(traits)))
			for _, t := range traits {
				b = binary.AppendVarint(b, int64(t))
			}
		}
		b = appendTexts(b, m.Accounts)
		b = appendText(appendText(b, m.Zone), m.Week)
		b = binary.AppendUvarint(b, uint64(len(m.Away)))
		for _, a := range m.Away {
			b = binary.AppendVarint(binary.AppendVarint(binary.AppendVarint(b, a.From), a.To), flag(a.Calendar))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(o.Ledgers)))
	for i := range o.Ledgers {
		b = binary.AppendUvarint(b, uint64(len(o.Ledgers[i].Entries)))
		for _, e := range o.Ledgers[i].Entries {
			b = appendText(b, e.Member)
			for _, n := range [...]int64{e.Debt, e.Handicap, e.Since, e.Given, flag(e.Present)} {
				b = binary.AppendVarint(b, n)
			}
		}
	}
	return b
}

// ParseRoster reads what AppendRoster wrote.
func ParseRoster(b []byte) (*Roster, error) {
	r := newReader(b, rosterFormat)
	o := &Roster{Seq: r.int(), Version: r.int()}
	if n := r.count(10); n > 0 {
		o.Members = make([]Member, n)
		for i := range o.Members {
			m := &o.Members[i]
			m.ID, m.Name, m.Manager = r.text(), r.text(), r.text()
			m.Side, m.Weight, m.Capacity = agreement.Side(r.int()), int(r.int()), int(r.int())
			m.Inactive, m.Open, m.Taken = r.int() != 0, int(r.int()), r.int()
			m.PerDay, m.Day, m.Today = int(r.int()), int(r.int()), int(r.int())
			for range r.count(1) {
				m.Pools = append(m.Pools, int(r.int()))
			}
			for k := range m.Traits {
				for range r.count(1) {
					m.Traits[k] = append(m.Traits[k], int(r.int()))
				}
			}
			m.Accounts = r.texts()
			m.Zone, m.Week = r.text(), r.text()
			for range r.count(3) {
				m.Away = append(m.Away, Absence{From: r.int(), To: r.int(), Calendar: r.int() != 0})
			}
		}
	}
	for i := range r.count(1) {
		g := Ledger{Pool: i}
		for range r.count(6) {
			e := Entry{Member: r.text(), Debt: r.int(), Handicap: r.int(), Since: r.int(), Given: r.int(), Present: r.int() != 0}
			g.Entries = append(g.Entries, e)
		}
		o.Ledgers = append(o.Ledgers, g)
	}
	return o, r.end("roster")
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// appendValues leaves out the missing values: pairs of slot and value.
func appendValues(b []byte, values []agreement.Value) []byte {
	known := 0
	for i := range values {
		if values[i].Known() {
			known++
		}
	}
	b = binary.AppendUvarint(b, uint64(len(values)))
	b = binary.AppendUvarint(b, uint64(known))
	for i := range values {
		v := &values[i]
		if !v.Known() {
			continue
		}
		b = binary.AppendUvarint(b, uint64(i))
		b = append(b, byte(v.Kind))
		switch v.Kind {
		case agreement.Text, agreement.Choice:
			b = appendText(b, v.Str)
		default:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Num))
		}
	}
	return b
}

// appendInstants writes the first instant and then the distances.
func appendInstants(b []byte, instants []int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(instants)))
	last := int64(0)
	for _, at := range instants {
		b = binary.AppendVarint(b, at-last)
		last = at
	}
	return b
}

// reader reads the stored form. After an error it returns zeros.
type reader struct {
	b     []byte
	whole string // the same bytes; texts are parts of it
	at    int
	err   error
}

func newReader(b []byte, format byte) *reader {
	r := &reader{b: b, whole: string(b), at: 1}
	switch {
	case len(b) == 0:
		r.err = errShort
	case b[0] != format:
		r.err = fmt.Errorf("stored by a newer version of Baton (form %d, this one knows %d)", b[0], format)
	}
	return r
}

func (r *reader) end(what string) error {
	if r.err == nil && r.at != len(r.b) {
		r.err = errors.New("the stored state has something behind its end")
	}
	if r.err != nil {
		return fmt.Errorf("reading the state of the %s: %w", what, r.err)
	}
	return nil
}

func (r *reader) int() int64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Varint(r.b[r.at:])
	if size <= 0 {
		r.err = errShort
		return 0
	}
	r.at += size
	return n
}

// count reads a length and refuses one that the rest of the bytes cannot hold.
func (r *reader) count(least int) int {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.b[r.at:])
	if size <= 0 || n > uint64(len(r.b)-r.at)/uint64(max(1, least)) {
		r.err = errShort
		return 0
	}
	r.at += size
	return int(n)
}

func (r *reader) float() float64 {
	if r.err != nil || len(r.b)-r.at < 8 {
		r.err = errors.Join(r.err, errShort)
		return 0
	}
	r.at += 8
	return math.Float64frombits(binary.LittleEndian.Uint64(r.b[r.at-8:]))
}

func (r *reader) text() string {
	n := r.count(1)
	if r.err != nil || n > len(r.b)-r.at {
		r.err = errors.Join(r.err, errShort)
		return ""
	}
	r.at += n
	return r.whole[r.at-n : r.at]
}

func (r *reader) texts() []string {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.text()
	}
	return list
}

// maxSlots bounds the vocabulary that a stored state may claim.
const maxSlots = 1 << 16

func (r *reader) values() []agreement.Value {
	if r.err != nil {
		return nil
	}
	n, size := binary.Uvarint(r.b[r.at:])
	if size <= 0 || n > maxSlots {
		r.err = errShort
		return nil
	}
	r.at += size
	known := r.count(3)
	if n == 0 {
		return nil
	}
	values := make([]agreement.Value, n)
	for range known {
		slot, size := binary.Uvarint(r.b[min(r.at, len(r.b)):])
		if r.err != nil || size <= 0 || slot >= n || r.at+size >= len(r.b) {
			r.err = errors.Join(r.err, errShort)
			return nil
		}
		r.at += size
		kind := agreement.Kind(r.b[r.at])
		r.at++
		v := agreement.Value{Kind: kind}
		switch kind {
		case agreement.Text, agreement.Choice:
			v.Str = r.text()
			v.Fold = strings.ToLower(v.Str)
		case agreement.Number, agreement.Boolean, agreement.Date:
			v.Num = r.float()
		default:
			r.err = fmt.Errorf("a value of unknown kind %d", kind)
			return nil
		}
		values[slot] = v
	}
	return values
}

func (r *reader) instants() []int64 {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	instants := make([]int64, n)
	last := int64(0)
	for i := range instants {
		last += r.int()
		instants[i] = last
	}
	return instants
}
