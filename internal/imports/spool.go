package imports

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// spool keeps encoded arrivals in a file, and behind them their order. The form is its own and
// lives as long as the process; it is never read by another.
type spool struct {
	file *os.File
	w    *bufio.Writer
	size int64
	buf  []byte

	window []byte // of the file, from base on
	base   int64
	filled int

	order     []byte // a window of the order, from the moment orderBase on
	orderBase int64
}

// momentSize is what a moment takes in the file: both its numbers, little-endian.
const momentSize = 16

// A window is long where arrivals are read one after the other, and short where the
// order of time jumps about in the file.
const (
	windowSize  = 64 << 10
	windowShort = 1 << 10
)

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "baton-import-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

// close removes the file.
func (s *spool) close() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// add writes an arrival and returns where it stands.
func (s *spool) add(a *lifecycle.Arrival, line int, names []int) (int64, error) {
	offset := s.size
	s.buf = appendArrival(s.buf[:0], a, line, names)
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(len(s.buf)))
	if _, err := s.w.Write(head[:n]); err != nil {
		return 0, fmt.Errorf("writing a temporary file: %w", err)
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return 0, fmt.Errorf("writing a temporary file: %w", err)
	}
	s.size += int64(n + len(s.buf))
	return offset, nil
}

// flush ends the writing.
func (s *spool) flush() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	s.w, s.buf = nil, nil
	s.window = make([]byte, windowSize)
	return nil
}

// keepOrder writes the order of the arrivals, after flush.
func (s *spool) keepOrder(order []moment) error {
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), windowSize)
	var b [momentSize]byte
	for _, m := range order {
		binary.LittleEndian.PutUint64(b[:], uint64(m.at))
		binary.LittleEndian.PutUint64(b[8:], uint64(m.offset))
		if _, err := w.Write(b[:]); err != nil {
			break // Flush says it again
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing a temporary file: %w", err)
	}
	return nil
}

// moment returns the i-th in the order of time.
func (s *spool) moment(i int64) (moment, error) {
	at := (i - s.orderBase) * momentSize
	if at < 0 || at >= int64(len(s.order)) {
		s.order = slices.Grow(s.order[:0], windowSize)[:windowSize]
		n, err := s.file.ReadAt(s.order, s.size+i*momentSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return moment{}, fmt.Errorf("reading a temporary file: %w", err)
		}
		if n < momentSize {
			return moment{}, errors.New("reading a temporary file: it ends too early")
		}
		s.order, s.orderBase, at = s.order[:n], i, 0
	}
	b := s.order[at:]
	return moment{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))}, nil
}

// record returns the bytes of the arrival at an offset, and where the next one is.
// They are valid until the next call.
func (s *spool) record(offset int64) ([]byte, int64, error) {
	b, err := s.at(offset, int(min(binary.MaxVarintLen64, s.size-offset)))
	if err != nil {
		return nil, 0, err
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(s.size-offset) {
		return nil, 0, errors.New("reading a temporary file: it has been changed")
	}
	b, err = s.at(offset, n+int(size))
	if err != nil {
		return nil, 0, err
	}
	return b[n:], offset + int64(n) + int64(size), nil
}

// at returns the bytes of the file from an offset on.
func (s *spool) at(offset int64, size int) ([]byte, error) {
	if offset < s.base || offset+int64(size) > s.base+int64(s.filled) {
		want := windowShort
		if end := s.base + int64(s.filled); offset >= s.base && offset <= end {
			want = windowSize
		}
		if want = max(want, size); want > len(s.window) {
			s.window = make([]byte, want)
		}
		n, err := s.file.ReadAt(s.window[:want], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading a temporary file: %w", err)
		}
		s.base, s.filled = offset, n
		if n < size {
			return nil, errors.New("reading a temporary file: it ends too early")
		}
	}
	from := int(offset - s.base)
	return s.window[from : from+size], nil
}

// What an encoded arrival has beside its kind, times and key.
const (
	hasActor = 1 << iota
	hasName
	hasAsset
	hasText
	hasValue
	hasMember
	isBot
	knownApart // Known is not At
)

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

// appendArrival encodes an arrival. names are the slots of the names of its values;
// Source and Keep are the same for all, so are not written.
func appendArrival(b []byte, a *lifecycle.Arrival, line int, names []int) []byte {
	in := &a.Input
	var flags byte
	for _, f := range [...]struct {
		flag byte
		on   bool
	}{{hasActor, in.Actor != ""}, {hasName, in.Name != ""}, {hasAsset, in.Asset != ""}, {hasText, in.Text != ""}, {hasValue, in.Value != 0},
		{hasMember, in.Member != nil}, {isBot, in.Bot}, {knownApart, in.Known != in.At}} {
		if f.on {
			flags |= f.flag
		}
	}
	b = append(b, byte(in.Kind), flags, byte(in.Origin))
	b = binary.AppendUvarint(b, uint64(line))
	b = binary.AppendVarint(b, in.At)
	if flags&knownApart != 0 {
		b = binary.AppendVarint(b, in.Known)
	}
	b = appendText(b, in.Key)
	for _, s := range [...]string{in.Actor, in.Name, in.Asset, in.Text} {
		if s != "" {
			b = appendText(b, s)
		}
	}
	if flags&hasValue != 0 {
		b = appendFloat(b, in.Value)
	}
	b = appendText(b, a.Account)
	b = appendText(b, a.AccountName)
	b = binary.AppendUvarint(b, uint64(len(a.Keys)))
	for _, k := range a.Keys {
		b = appendText(append(b, byte(k.Kind)), k.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(in.Values)))
	for i := range in.Values {
		v := &in.Values[i].Value
		b = append(binary.AppendUvarint(b, uint64(names[i])), byte(v.Kind))
		switch v.Kind {
		case agreement.Text, agreement.Choice:
			b = appendText(b, v.Str)
		case agreement.Number, agreement.Boolean, agreement.Date:
			b = appendFloat(b, v.Num)
		}
	}
	if p := in.Member; p != nil {
		b = append(appendText(appendText(appendText(b, p.ID), p.Name), p.Manager), byte(p.Side))
		b = binary.AppendUvarint(b, uint64(p.Weight))
		b = binary.AppendUvarint(b, uint64(p.Capacity))
		b = binary.AppendUvarint(b, uint64(len(p.Pools)))
		for _, pool := range p.Pools {
			b = binary.AppendUvarint(b, uint64(pool))
		}
	}
	return b
}

// decoder reads what appendArrival wrote. Texts share one string.
type decoder struct {
	b    string
	next int
}

func (d *decoder) byte() byte {
	d.next++
	return d.b[d.next-1]
}

func (d *decoder) uvarint() uint64 {
	var n uint64
	for shift := 0; ; shift += 7 {
		c := d.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (d *decoder) varint() int64 {
	n := d.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

func (d *decoder) text() string {
	n := int(d.uvarint())
	d.next += n
	return d.b[d.next-n : d.next]
}

func (d *decoder) float() float64 {
	var n uint64
	for shift := 0; shift < 64; shift += 8 {
		n |= uint64(d.byte()) << shift
	}
	return math.Float64frombits(n)
}

// arrival decodes into a, whose slices are made anew. It returns the line.
func (d *decoder) arrival(a *lifecycle.Arrival, names []string) (line int) {
	*a = lifecycle.Arrival{}
	in := &a.Input
	in.Kind = lifecycle.InputKind(d.byte())
	flags := d.byte()
	in.Origin = agreement.Side(d.byte())
	line = int(d.uvarint())
	in.At = d.varint()
	in.Known = in.At
	if flags&knownApart != 0 {
		in.Known = d.varint()
	}
	in.Bot = flags&isBot != 0
	in.Key = d.text()
	for _, f := range [...]struct {
		flag byte
		to   *string
	}{{hasActor, &in.Actor}, {hasName, &in.Name}, {hasAsset, &in.Asset}, {hasText, &in.Text}} {
		if flags&f.flag != 0 {
			*f.to = d.text()
		}
	}
	if flags&hasValue != 0 {
		in.Value = d.float()
	}
	a.Account, a.AccountName = d.text(), d.text()
	if n := d.uvarint(); n > 0 {
		a.Keys = make([]identity.Key, n)
		for i := range a.Keys {
			a.Keys[i].Kind = identity.Kind(d.byte())
			a.Keys[i].Value = d.text()
		}
	}
	if n := d.uvarint(); n > 0 {
		in.Values = make([]lifecycle.Named, n)
		for i := range in.Values {
			in.Values[i].Name = names[d.uvarint()]
			in.Values[i].Value = d.value()
		}
	}
	if flags&hasMember != 0 {
		p := &agreement.Person{ID: d.text(), Name: d.text(), Manager: d.text(), Side: agreement.Side(d.byte()),
			Weight: int(d.uvarint()), Capacity: int(d.uvarint())}
		if n := d.uvarint(); n > 0 {
			p.Pools = make([]int, n)
			for i := range p.Pools {
				p.Pools[i] = int(d.uvarint())
			}
		}
		in.Member = p
	}
	return line
}

func (d *decoder) value() agreement.Value {
	switch kind := agreement.Kind(d.byte()); kind {
	case agreement.Text:
		return agreement.TextValue(d.text())
	case agreement.Choice:
		return agreement.ChoiceValue(d.text())
	case agreement.Missing:
		return agreement.Value{}
	default:
		return agreement.Value{Kind: kind, Num: d.float()}
	}
}
