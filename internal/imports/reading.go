package imports

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// Options are what Open needs beside the mapping.
type Options struct {
	Now      int64                   // the time of the import, UTC µs; later rows are refused
	TempDir  string                  // for the arrivals on their way, "" for the system's
	Progress func(done, total int64) // bytes of the file read, called now and then; may be nil
}

// Reading is a file that has been read once. It is not safe for concurrent use, and
// has files of its own until Close.
type Reading struct {
	m        *Mapping
	spool    *spool
	refused  *refusedFile
	order    []moment // while reading
	summary  Summary
	x        *mapper
	outcomes []uint64 // leads that have one, by hash
	rows     []uint64 // keys of rows, by hash, while reading
	counted  *counted
	ours     bool // it is a file of refused rows, see refusedFile

	source  string
	line    int
	arrival lifecycle.Arrival
	longest map[collided]int32
	early   int64 // outcomes before the first that is known of a lead, in the last pass
}

// moment is an arrival in the order of time.
type moment struct{ at, offset int64 }

// Open reads a file and maps it. It fails where the whole file cannot be what
// the mapping says; a row that cannot is refused, which is no error. ctx ends it early.
func Open(ctx context.Context, path string, m *Mapping, opts Options) (*Reading, error) {
	if opts.Now == 0 && (m.at == nil || m.atImport) {
		return nil, fmt.Errorf("importing %s: the mapping uses the time of the import, and none is given", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file to import: %w", err)
	}
	defer f.Close()
	r := &Reading{m: m, source: "import:" + m.Name, summary: Summary{File: path, Import: m.Name, byColumn: map[string]int64{}}}
	if err := r.read(ctx, f, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("importing %s: %w", path, err), r.Close())
	}
	return r, nil
}

// Close removes what the reading keeps on disk.
func (r *Reading) Close() error {
	var errs []error
	if r.spool != nil {
		errs = append(errs, r.spool.close())
		r.spool = nil
	}
	if r.refused != nil {
		errs = append(errs, r.refused.close())
		r.refused = nil
	}
	return errors.Join(errs...)
}

// counted tells how much of a file has been read, and hashes it.
type counted struct {
	io.Reader
	hash              hash.Hash
	done, told, total int64
	progress          func(done, total int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.done += int64(n)
	c.hash.Write(b[:n])
	if c.progress != nil && (c.done-c.told >= 1<<20 || err == io.EOF && c.told != c.done) {
		c.told = c.done
		c.progress(c.done, max(c.total, c.done))
	}
	return n, err
}

func (r *Reading) read(ctx context.Context, f *os.File, opts Options) error {
	rows, err := r.begin(f, opts)
	if err != nil {
		return err
	}
	header, err := r.header(rows)
	if err != nil {
		return err
	}
	at, err := r.columns(header)
	if err != nil {
		return err
	}
	if r.spool, err = newSpool(opts.TempDir); err != nil {
		return err
	}
	if r.refused, err = newRefusedFile(opts.TempDir, header, rows.delimiter); err != nil {
		return err
	}
	r.x = newMapper(r.m, opts.Now, header, at)
	named := namedWidth(header)
	for n := 0; ; n++ {
		if n&4095 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		err := rows.next()
		if err == io.EOF {
			break
		}
		var bad *badRow
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		if bad == nil {
			rows.fit(len(header), named)
		}
		if err := r.row(rows, bad, header); err != nil {
			return err
		}
		if n == 16<<10 {
			r.reserve()
		}
	}
	r.summary.Blank += rows.blank
	r.summary.Hash = hex.EncodeToString(r.counted.hash.Sum(nil))
	return r.finish()
}

// reserve makes room for as many arrivals as the rows so far promise, because growing
// by doubling would take twice the memory in the end.
func (r *Reading) reserve() {
	if c := r.counted; c.done > 0 {
		rest := float64(c.total-c.done) / float64(c.done) * 1.02
		r.order = slices.Grow(r.order, int(float64(len(r.order))*rest)+1024)
		r.rows = slices.Grow(r.rows, int(float64(len(r.rows))*rest)+1024)
	}
}

// begin finds out how the file is written.
func (r *Reading) begin(f *os.File, opts Options) (*rowReader, error) {
	stat, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	if stat.IsDir() {
		return nil, errors.New("it is a directory")
	}
	var head [16]byte
	if n, _ := f.ReadAt(head[:], 0); notCSV(head[:n]) != "" {
		return nil, errors.New(notCSV(head[:n]))
	}
	c, err := r.coding(f)
	if err != nil {
		return nil, err
	}
	text, err := c.over(f, &counted{hash: sha256.New()})
	if err != nil {
		return nil, err
	}
	sample := make([]byte, 64<<10)
	n, err := io.ReadFull(text, sample)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	sample = sample[:n]
	delimiter := r.m.delimiter
	if delimiter == 0 && len(sample) > 5 && strings.EqualFold(string(sample[:4]), "sep=") && strings.IndexByte(delimiters, sample[4]) >= 0 && (sample[5] == '\r' || sample[5] == '\n') {
		delimiter = sample[4]
	}
	if delimiter == 0 {
		wanted := map[string]bool{}
		for _, u := range r.m.columns {
			wanted[u.name] = true
		}
		delimiter = findDelimiter(sample, wanted)
	}
	r.summary.Encoding, r.summary.Delimiter = c.name, delimiterName(delimiter)
	r.counted = &counted{total: stat.Size(), progress: opts.Progress, hash: sha256.New()}
	r.counted.hash.Write(r.m.hash[:])
	if text, err = c.over(f, r.counted); err != nil {
		return nil, err
	}
	return newRowReader(text, delimiter, c.decode != nil), nil
}

func (r *Reading) coding(f *os.File) (coding, error) {
	var head [4]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return coding{}, fmt.Errorf("reading the file: %w", err)
	}
	marked, ok := codingOfMark(head[:n])
	switch r.m.coding {
	case "":
		return findCoding(f)
	case "utf-16":
		if ok && marked.decode != nil {
			return marked, nil
		}
		return codingUTF16LE, nil
	case "utf-8":
		if ok && marked.decode == nil {
			return marked, nil
		}
		return codingUTF8, nil
	}
	return coding1252, nil
}

func (r *Reading) header(rows *rowReader) ([]string, error) {
	for {
		err := rows.next()
		if err == io.EOF {
			return nil, errors.New("the file is empty: it has no header, the row with the names of the columns")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: reading the header, the row with the names of the columns: %w", rows.line, err)
		}
		if rows.line == 1 && strings.HasPrefix(strings.ToLower(rows.fields[0]), "sep=") {
			continue
		}
		header := slices.Clone(rows.fields)
		if r.ours = slices.ContainsFunc(header, func(name string) bool { return columnName(name) == refusedLine }); r.ours {
			unguard(header)
		}
		return header, nil
	}
}

// columns finds the columns of the mapping in the header.
func (r *Reading) columns(header []string) ([]int, error) {
	var names []string
	found := map[string]int{}
	twice := map[string]bool{}
	unnamed := 0
	for i, h := range header {
		name := columnName(h)
		if name == "" {
			unnamed++
			continue
		}
		if _, ok := found[name]; ok {
			if !twice[name] {
				r.note("the column %q stands in the header more than once", clip(name))
			}
			twice[name] = true
			continue
		}
		found[name] = i
		names = append(names, name)
	}
	if unnamed > 0 {
		r.note("%s without a name in the header", count(int64(unnamed), "column"))
	}
	at := make([]int, len(r.m.columns))
	var wrong []string
	for i, c := range r.m.columns {
		j, ok := found[c.name]
		switch {
		case !ok:
			hint := ""
			if best := agreement.Nearest(c.name, names); best != "" {
				hint = fmt.Sprintf("; did you mean %q?", best)
			}
			wrong = append(wrong, fmt.Sprintf("the file has no column %q, which %s reads%s", clip(c.name), r.m.place(c), hint))
		case twice[c.name]:
			wrong = append(wrong, fmt.Sprintf("the column %q, which %s reads, stands in the header more than once; give the others another name", clip(c.name), r.m.place(c)))
		}
		at[i] = j
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s\nthe columns of the file are %s", strings.Join(wrong, "\n"), listed(names, 50))
	}
	return at, nil
}

// row takes in the row that the reader has, or the bad one.
func (r *Reading) row(rows *rowReader, bad *badRow, header []string) error {
	s, width := &r.summary, len(header)
	if bad != nil {
		column := ""
		if rows.column >= 0 && rows.column < width {
			column = columnName(header[rows.column])
		}
		s.Rows++
		s.countReason(rows.line, column, bad.why)
		return r.refuse(rows.line, column, bad.why, []string{strings.TrimRight(string(rows.raw), "\r\n")})
	}
	if !slices.ContainsFunc(rows.fields, func(f string) bool { return trim(f) != "" }) {
		s.Blank++
		return nil
	}
	s.Rows++
	if len(rows.fields) != width {
		s.countReason(rows.line, "", "the row has more or fewer fields than the header")
		return r.refuse(rows.line, "", fmt.Sprintf("the row has %s and the header %d", count(int64(len(rows.fields)), "field"), width), rows.fields)
	}
	if r.ours {
		unguard(rows.fields)
	}
	r.x.fields = rows.fields
	if !r.x.passes() {
		s.Skipped++
		return nil
	}
	r.x.row(rows.line, rows.fields)
	if problems := r.x.problems; len(problems) > 0 {
		columns, reasons := make([]string, 0, len(problems)), make([]string, 0, len(problems))
		for _, p := range problems {
			s.countReason(rows.line, p.column, or(p.kind, p.why))
			if !slices.Contains(columns, p.column) {
				columns = append(columns, p.column)
			}
			if len(problems) > 1 && p.column != "" {
				p.why = p.column + ": " + p.why
			}
			reasons = append(reasons, p.why)
		}
		return r.refuse(rows.line, strings.Join(columns, ", "), strings.Join(reasons, "; "), rows.fields)
	}
	s.Mapped++
	if len(r.x.arrivals) == 0 {
		s.Silent++
	}
	for i := range r.x.arrivals {
		a := &r.x.arrivals[i]
		offset, err := r.spool.add(a, rows.line, r.x.names[i])
		if err != nil {
			return err
		}
		r.order = append(r.order, moment{a.Input.At, offset})
		switch a.Input.Kind {
		case lifecycle.Identify:
			s.People++
		case lifecycle.Did:
			s.Activities++
		case lifecycle.Win, lifecycle.Lose:
			s.Outcomes++
			r.outcomes = append(r.outcomes, leadHash(a.Keys))
		case lifecycle.Joined:
			s.Members++
		}
		if i == 0 {
			r.rows = append(r.rows, textHash(a.Input.Key[:strings.LastIndexByte(a.Input.Key, '/')]))
		}
	}
	return nil
}

func (r *Reading) refuse(line int, column, reason string, fields []string) error {
	s := &r.summary
	s.Refused++
	s.byColumn[column]++
	if len(s.Refusals) < mostRefusals {
		s.Refusals = append(s.Refusals, Refusal{line, column, reason})
	}
	return r.refused.add(line, column, reason, fields)
}

func (r *Reading) finish() error {
	if err := errors.Join(r.spool.flush(), r.refused.flush()); err != nil {
		return err
	}
	// The offsets ascend with the line and the order in the row.
	byTime := func(a, b moment) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.offset, b.offset)
	}
	if !slices.IsSortedFunc(r.order, byTime) {
		slices.SortFunc(r.order, byTime)
	}
	r.summary.Arrivals = int64(len(r.order))
	if n := len(r.order); n > 0 {
		r.summary.First, r.summary.Last = r.order[0].at, r.order[n-1].at
	}
	slices.Sort(r.rows)
	for i := 1; i < len(r.rows); i++ {
		if r.rows[i] == r.rows[i-1] {
			r.summary.Repeated++
		}
	}
	err := r.spool.keepOrder(r.order)
	r.rows, r.order = nil, nil
	r.x.said, r.x.accounts = nil, nil
	return err
}

// Each gives every arrival in the order of time; those of one time in the order of
// the file. It stops at the first error of fn and returns it. The arrival is fn's until
// fn returns; its slices and texts are fn's to keep. Each may be called again.
func (r *Reading) Each(fn func(*lifecycle.Arrival) error) error { return Merge(fn, r) }

// Line is the line of the file that the last arrival came from.
func (r *Reading) Line() int { return r.line }

// WriteRefused writes the rows that were refused as CSV: the line, the column and the reason,
// and then the row as it was, to be mended and imported with the same mapping.
func (r *Reading) WriteRefused(w io.Writer) error { return r.refused.copyTo(w) }

// Merge gives the arrivals of several readings in the order in which they were known,
// of one time in the order of the readings; otherwise it is as Each. Leads and their
// outcomes are often in two files, and only together do they make a history.
func Merge(fn func(*lifecycle.Arrival) error, readings ...*Reading) error {
	next := make([]int64, len(readings))
	heads := make([]moment, len(readings))
	advance := func(i int) (err error) {
		if next[i] < readings[i].summary.Arrivals {
			heads[i], err = readings[i].spool.moment(next[i])
		}
		next[i]++
		return err
	}
	w := newWatch(readings)
	for i, r := range readings {
		r.longest, r.early = map[collided]int32{}, 0
		if err := advance(i); err != nil {
			return err
		}
	}
	for {
		first := -1
		for i, r := range readings {
			if next[i] <= r.summary.Arrivals && (first < 0 || r.before(heads[i].at, readings[first], heads[first].at)) {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		r := readings[first]
		if err := errors.Join(r.load(heads[first].offset), advance(first)); err != nil {
			return err
		}
		if len(w.leads) > 0 && w.early(&r.arrival) {
			r.early++
		}
		if err := fn(&r.arrival); err != nil {
			return err
		}
	}
}

// before reports whether an arrival that occurred at a was known before one of another reading at b, or
// at the same time and occurred before it.
func (r *Reading) before(a int64, other *Reading, b int64) bool {
	return cmp.Or(cmp.Compare(r.known(a), other.known(b)), cmp.Compare(a, b)) < 0
}

func (r *Reading) known(at int64) int64 {
	if r.m.atImport {
		return r.x.now
	}
	return at
}

// load decodes an arrival into r.arrival.
func (r *Reading) load(offset int64) error {
	b, _, err := r.spool.record(offset)
	if err != nil {
		return err
	}
	d := decoder{b: string(b)}
	r.line = d.arrival(&r.arrival, r.m.names)
	in := &r.arrival.Input
	in.Source = r.source
	if in.Kind == lifecycle.Identify {
		in.Keep = r.m.keepFirst
		r.dropShorter()
	}
	return nil
}

// dropShorter leaves the values out that are no longer than one before, where the
// mapping keeps the longest.
func (r *Reading) dropShorter() {
	for i, c := range r.m.attributes {
		if c.collision != keepLongest {
			continue
		}
		name := r.m.names[c.name]
		in := &r.arrival.Input
		in.Values = slices.DeleteFunc(in.Values, func(v lifecycle.Named) bool {
			if v.Name != name || v.Value.Kind != agreement.Text && v.Value.Kind != agreement.Choice {
				return false
			}
			k := collidedIn(leadHash(r.arrival.Keys), i)
			if size := int32(len(v.Value.Str)); size > r.longest[k] {
				r.longest[k] = size
				return false
			}
			return true
		})
	}
}

// watch follows the leads that have an outcome. It is two slices because a map would
// take four times the memory.
type watch struct {
	leads []uint64 // by hash, sorted
	// first is the time of the first that is known of each, math.MaxInt64 for nothing
	// yet, or the complement of the time of an outcome that came before it.
	first []int64
}

func newWatch(readings []*Reading) watch {
	var w watch
	for _, r := range readings {
		w.leads = append(w.leads, r.outcomes...)
	}
	slices.Sort(w.leads)
	w.leads = slices.Compact(w.leads)
	w.first = make([]int64, len(w.leads))
	for i := range w.first {
		w.first[i] = math.MaxInt64
	}
	return w
}

// early takes in an arrival, and reports whether it is the first of a lead that has
// an outcome already.
func (w *watch) early(a *lifecycle.Arrival) bool {
	i, ok := slices.BinarySearch(w.leads, leadHash(a.Keys))
	if !ok {
		return false
	}
	first, at := w.first[i], a.Input.At
	if a.Input.Kind == lifecycle.Win || a.Input.Kind == lifecycle.Lose {
		if first >= at { // what its own row says is no contact before it
			w.first[i] = ^at
		}
		return false
	}
	if first < 0 {
		if at > ^first {
			w.first[i] = at // told once
			return true
		}
		return false
	}
	w.first[i] = min(first, at)
	return false
}
