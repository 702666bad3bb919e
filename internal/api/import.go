package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/imports"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// importsKnown is how many imports there are of which it is remembered how far they are.
const importsKnown = 20

// ImportProgress is how far an import is.
type ImportProgress struct {
	Total      int64     `json:"total" doc:"How much there is to take in."`
	Done       int64     `json:"done"`
	Known      int64     `json:"known" doc:"Of it, what was known already."`
	Timers     int64     `json:"timers" doc:"What fell due in between."`
	Unchanging int64     `json:"unchanging" doc:"Commands that could not be carried out."`
	Problems   int64     `json:"problems" doc:"What could not be decided; it is kept."`
	At         time.Time `json:"at" doc:"How far it is in the time of the file."`
	Error      string    `json:"error,omitempty" doc:"Why it stopped."`
}

// ImportReading is what came of reading a file.
type ImportReading struct {
	Encoding   string          `json:"encoding"`
	Delimiter  string          `json:"delimiter"`
	Rows       int64           `json:"rows"`
	Mapped     int64           `json:"mapped" doc:"Understood."`
	Skipped    int64           `json:"skipped" doc:"As the mapping says."`
	Refused    int64           `json:"refused"`
	Arrivals   int64           `json:"arrivals" doc:"What there is to take in."`
	People     int64           `json:"people"`
	Activities int64           `json:"activities"`
	Outcomes   int64           `json:"outcomes"`
	Members    int64           `json:"members" doc:"Of the team."`
	New        *int64          `json:"new,omitempty" doc:"Leads that are not known yet. Of a dry run."`
	Known      *int64          `json:"known,omitempty" doc:"Leads that are known already. Of a dry run."`
	First      *time.Time      `json:"first,omitempty" doc:"When the earliest occurred."`
	Last       *time.Time      `json:"last,omitempty" doc:"When the latest occurred."`
	Refusals   []RefusedPlace  `json:"refusals" doc:"The first rows that were refused."`
	Reasons    []RefusedReason `json:"reasons" doc:"Why rows were refused, the most frequent first; a row with two reasons counts for both."`
	Notes      []string        `json:"notes"`

	Error string `json:"error,omitempty" doc:"Why the file cannot be read with this mapping."`
}

// RefusedPlace is a row that was refused.
type RefusedPlace struct {
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
}

// RefusedReason is why rows were refused.
type RefusedReason struct {
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
	Rows   int64  `json:"rows"`
	Line   int    `json:"line" doc:"The first."`
}

// ImportBusy is what runs behind the requests: one import, one dry run or one undoing at a time.
type ImportBusy struct {
	What        string // for people; "" for nothing
	Import      int64  // that runs or is undone, 0 for none
	Upload      int64  // it comes from, 0 for none
	Undoes      bool
	Stopping    bool  // somebody asked to have it stopped
	Read, Bytes int64 // how much of the file was read
	Undone      int64 // leads without it by now
	Leads       int64 // of so many; 0 for not known
}

// importer runs one import, dry run or undoing at a time behind the requests.
type importer struct {
	lock   sync.Mutex
	busy   ImportBusy
	cancel context.CancelFunc
	done   chan struct{} // closed when it is over
	closed bool
	dir    string // for files on their way; "" before the first
	told   map[int64]ImportProgress
	order  []int64
}

// begin takes the place of the one who may import. The context ends with the API, not with the request.
func (f *importer) begin(ctx context.Context, b ImportBusy) (context.Context, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	switch {
	case f.closed:
		return nil, engine.ErrClosed
	case f.busy.What != "":
		return nil, problemOf("conflict", f.busy.What+"; one at a time, so wait until it is done").with("Retry-After", "10")
	}
	ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.busy, f.done = b, make(chan struct{})
	return ctx, nil
}

// end makes room for the next.
func (f *importer) end() {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.cancel()
	f.busy = ImportBusy{}
	close(f.done)
}

// change changes what is known of what runs.
func (f *importer) change(change func(*ImportBusy)) {
	f.lock.Lock()
	defer f.lock.Unlock()
	change(&f.busy)
}

// room makes a directory for a file on its way. What servers left that were killed goes after a day.
func (f *importer) room() (string, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.closed {
		return "", engine.ErrClosed
	}
	if _, err := os.Stat(f.dir); f.dir == "" || errors.Is(err, fs.ErrNotExist) {
		left, _ := filepath.Glob(filepath.Join(os.TempDir(), "baton-import-*"))
		for _, dir := range left {
			if s, err := os.Stat(dir); err == nil && time.Since(s.ModTime()) > 24*time.Hour {
				_ = os.RemoveAll(dir) // of somebody else, perhaps
			}
		}
		if f.dir, err = os.MkdirTemp("", "baton-import-"); err != nil {
			return "", fmt.Errorf("making room for files to import: %w", err)
		}
	}
	dir, err := os.MkdirTemp(f.dir, "")
	if err != nil {
		return "", fmt.Errorf("making room for the file to import: %w", err)
	}
	return dir, nil
}

// remember keeps how far an import is, for the last few.
func (f *importer) remember(id int64, p ImportProgress) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.told == nil {
		f.told = map[int64]ImportProgress{}
	}
	if _, ok := f.told[id]; !ok {
		if f.order = append(f.order, id); len(f.order) > importsKnown {
			delete(f.told, f.order[0])
			f.order = f.order[1:]
		}
	}
	f.told[id] = p
}

func (f *importer) close() error {
	f.lock.Lock()
	f.closed = true
	var done chan struct{}
	if f.busy.What != "" {
		f.cancel()
		done = f.done
	}
	f.lock.Unlock()
	if done != nil {
		<-done
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.dir == "" {
		return nil
	}
	dir := f.dir
	f.dir = ""
	return os.RemoveAll(dir)
}

// StopImport ends an import, or an undoing of one, after the transaction at hand, and waits a while for that. What was taken in stays: the
// same file goes on from there, and nothing counts twice. It reports false if it does not run here.
func (a *API) StopImport(ctx context.Context, id int64, patience time.Duration) bool {
	f := &a.files
	f.lock.Lock()
	if f.busy.What == "" || f.busy.Import != id {
		f.lock.Unlock()
		return false
	}
	f.busy.Stopping = true
	f.cancel()
	done := f.done
	f.lock.Unlock()
	select {
	case <-done:
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return true
}

// Importing says what runs.
func (a *API) Importing() ImportBusy {
	a.files.lock.Lock()
	defer a.files.lock.Unlock()
	return a.files.busy
}

// Progress returns how far an import is, nil if that is not known here.
func (a *API) Progress(id int64) *ImportProgress {
	a.files.lock.Lock()
	defer a.files.lock.Unlock()
	if p, ok := a.files.told[id]; ok {
		return &p
	}
	return nil
}

// importJob is a file on its way in.
type importJob struct {
	*API
	ctx     context.Context // ends with the API; nil before begin
	dir     string
	file    string
	mapping []byte
	source  *imports.Mapping
	reading *imports.Reading
	im      store.Import
}

// newImportJob makes room for a file. Call end.
func (a *API) newImportJob() (*importJob, error) {
	dir, err := a.files.room()
	return &importJob{API: a, dir: dir}, err
}

// begin waits for nobody: if something else is imported, it fails.
func (j *importJob) begin(ctx context.Context, b ImportBusy) (err error) {
	j.ctx, err = j.files.begin(ctx, b)
	return err
}

// end removes what the job has on disk.
func (j *importJob) end() {
	var err error
	if j.reading != nil {
		err = j.reading.Close()
	}
	if err = errors.Join(err, os.RemoveAll(j.dir)); err != nil {
		j.Log.Warn("what an import had on disk is not removed", "error", err)
	}
	if j.ctx != nil {
		j.files.end()
	}
}

// read reads the file through the mapping. What is wrong with either is a problem that may be shown.
func (j *importJob) read(ctx context.Context) error {
	plan := j.Plan()
	if plan == nil {
		return engine.ErrNoAgreement
	}
	var findings agreement.Findings
	if j.source, findings = imports.ParseMapping("mapping", j.mapping, plan); j.source == nil || findings.HasErrors() {
		p := problemOf("findings", "the mapping cannot work; findings says where and why, and nothing was imported")
		p.Findings = findingsOf(findings)
		return p
	}
	var err error
	j.reading, err = imports.Open(ctx, j.file, j.source, imports.Options{Now: j.now(), TempDir: j.dir, Progress: func(done, total int64) {
		j.files.change(func(b *ImportBusy) { b.Read, b.Bytes = done, total })
	}})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return j.unreadable(err)
	}
	return nil
}

// unreadable is why a file cannot be read, without where it lies here.
func (j *importJob) unreadable(err error) error {
	text := strings.ReplaceAll(err.Error(), j.dir+string(filepath.Separator), "")
	return problemOf("invalid", text, ProblemError{Location: "body.file", Message: "it is not what the mapping says"})
}

// dryRun tells what would come of the file.
func (j *importJob) dryRun(ctx context.Context) (*ImportReading, error) {
	known, fresh, err := j.whoIsKnown(ctx)
	if err != nil {
		return nil, err
	}
	r := readingOf(j.reading)
	r.New, r.Known = &fresh, &known
	return r, nil
}

// whoIsKnown walks through the file in the order of time, which shows more than reading it did, and counts the leads that
// are known and those that are not. Of a lead the first key tells it from others, as in the file.
func (j *importJob) whoIsKnown(ctx context.Context) (known, fresh int64, err error) {
	seed := maphash.MakeSeed()
	seen := map[uint64]struct{}{}
	var people [][]identity.Key
	ask := func() error {
		var keys []identity.Key
		for _, k := range people {
			keys = append(keys, k...)
		}
		found, err := j.Store.Keys(ctx, keys)
		for _, list := range people {
			there := false
			for _, k := range list {
				_, ok := found[k]
				there = there || ok
			}
			if there {
				known++
			} else {
				fresh++
			}
		}
		people = people[:0]
		return err
	}
	err = imports.Merge(func(arrival *lifecycle.Arrival) error {
		if err := ctx.Err(); err != nil || len(arrival.Keys) == 0 {
			return err
		}
		k := arrival.Keys[0]
		hash := maphash.String(seed, k.Value) + uint64(k.Kind)
		if _, ok := seen[hash]; ok {
			return nil
		}
		seen[hash] = struct{}{}
		if people = append(people, arrival.Keys); len(people) < 500 {
			return nil
		}
		return ask()
	}, j.reading)
	if err == nil && len(people) > 0 {
		err = ask()
	}
	return known, fresh, err
}

// start puts the import on record, with the rows that were refused.
func (j *importJob) start(ctx context.Context, told *ImportReading) error {
	hash := sha256.New()
	if err := imports.Hash(hash, j.file, j.mapping); err != nil {
		return err
	}
	// What may name people goes with the refused rows.
	counts := *told
	counts.Refusals, counts.Reasons, counts.Notes = nil, nil, nil
	kept, err := json.Marshal(counts)
	if err != nil {
		return fmt.Errorf("keeping what a file came to: %w", err)
	}
	s := j.reading.Summary()
	im, err := j.Store.StartImport(ctx, store.Import{Name: j.source.Name, File: filepath.Base(j.file), Hash: hex.EncodeToString(hash.Sum(nil)), StartedAt: j.now(), Rows: s.Rows, Refused: s.Refused, Told: string(kept)})
	if errors.Is(err, store.ErrUndoing) {
		return problemOf("conflict", err.Error())
	}
	if err != nil {
		return err
	}
	im.Rows, im.Refused = s.Rows, s.Refused
	j.im = im
	if err := j.keepRefused(ctx, told); err != nil {
		return err
	}
	j.files.remember(im.ID, ImportProgress{Total: s.Arrivals, At: moment(s.First)})
	j.files.change(func(b *ImportBusy) { b.What, b.Import = fmt.Sprintf("import %d is running", im.ID), im.ID })
	return nil
}

// byteOrderMark tells spreadsheets that a file is UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// keepRefused keeps the refused rows and why they were, for those who mend them.
func (j *importJob) keepRefused(ctx context.Context, told *ImportReading) error {
	if told.Refused == 0 {
		return nil
	}
	kept, err := json.Marshal(told)
	if err == nil {
		err = j.Store.KeepFile(ctx, store.ReadingOf, j.im.ID, j.now(), bytes.NewReader(kept))
	}
	if err != nil {
		return fmt.Errorf("keeping what a file came to: %w", err)
	}
	return j.keepRows(ctx, store.RefusedRows, j.im.ID)
}

// keepRows keeps the refused rows as a file.
func (j *importJob) keepRows(ctx context.Context, kind store.PieceKind, id int64) error {
	out, in := io.Pipe()
	go func() {
		_, err := io.WriteString(in, byteOrderMark)
		if err == nil {
			err = j.reading.WriteRefused(in)
		}
		in.CloseWithError(err)
	}()
	err := j.Store.KeepFile(ctx, kind, id, j.now(), out)
	_ = out.CloseWithError(err)
	if err != nil {
		return fmt.Errorf("keeping the refused rows: %w", err)
	}
	return nil
}

// decide has the file decided, to its end or that of the API.
func (j *importJob) decide() error {
	id, total := j.im.ID, j.reading.Summary().Arrivals
	progress := ImportProgress{Total: total}
	ended, err := j.Engine.Import(j.ctx, j.im, []*imports.Reading{j.reading}, engine.HistoryOptions{Progress: func(p engine.Progress) {
		progress = ImportProgress{Total: total, Done: p.Arrivals, Known: p.Duplicates, Timers: p.Timers, Unchanging: p.Refused, Problems: p.Problems, At: moment(p.At)}
		j.files.remember(id, progress)
	}})
	if err != nil {
		if j.Importing().Stopping {
			j.Log.Info("an import was stopped", "import", id, "inputs", progress.Done-progress.Known)
		} else {
			j.Log.Error("an import stopped", "import", id, "error", err)
		}
		progress.Error = "it was stopped; the same file with the same mapping goes on from there"
		j.files.remember(id, progress)
		return err
	}
	j.Log.Info("an import is done", "import", ended.ID, "rows", ended.Rows, "inputs", progress.Done-progress.Known)
	return nil
}

var errNoRefused = problemOf("not-found", "the refused rows of this import are not kept any more; a dry run of the same file lists them again")

// WriteRefused writes the refused rows of an import as CSV, or returns a Problem if they are not kept any more.
func (a *API) WriteRefused(ctx context.Context, id int64, w io.Writer) error {
	err := a.Store.WriteFile(ctx, store.RefusedRows, id, w)
	if errors.Is(err, store.ErrNoUpload) {
		return errNoRefused
	}
	return err
}

// ReadingOfImport returns what reading the file of an import came to: with the reasons of refusals as long as they are kept,
// later the counts alone; nil for one of which nothing is known.
func (a *API) ReadingOfImport(ctx context.Context, im *store.Import) (*ImportReading, error) {
	var b bytes.Buffer
	err := a.Store.WriteFile(ctx, store.ReadingOf, im.ID, &b)
	if errors.Is(err, store.ErrNoUpload) {
		b.Reset()
		b.WriteString(im.Told)
		err = nil
	}
	if err != nil || b.Len() == 0 {
		return nil, err
	}
	r := &ImportReading{}
	if err := json.Unmarshal(b.Bytes(), r); err != nil {
		return nil, fmt.Errorf("reading what import %d came to: %w", im.ID, err)
	}
	return r, nil
}

// UndoImport takes an import back, and waits for that a while: done is false if it goes on behind.
func (a *API) UndoImport(ctx context.Context, id int64, patience time.Duration) (done bool, err error) {
	im, err := a.Store.Import(ctx, id)
	if err != nil {
		return false, err
	}
	if im.State == "undone" {
		return false, problemOf("conflict", fmt.Sprintf("import %d is undone already", id))
	}
	behind, err := a.files.begin(ctx, ImportBusy{What: fmt.Sprintf("import %d is being undone", id), Import: id, Undoes: true})
	if err != nil {
		return false, err
	}
	failed := make(chan error, 1)
	go func() {
		defer a.files.end()
		err := a.Engine.Undo(behind, id, func(done, total int64) {
			a.files.change(func(b *ImportBusy) { b.Undone, b.Leads = done, total })
		})
		switch {
		case err != nil && a.Importing().Stopping:
			err = problemOf("conflict", fmt.Sprintf("undoing import %d was stopped in the middle; undo it again to have the rest done", id))
		case err != nil:
			a.Log.Error("an import was not undone", "import", id, "error", err)
		}
		failed <- err
	}()
	select {
	case err := <-failed:
		return err == nil, err
	case <-time.After(patience):
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func fileTooLarge(most int64) error {
	return problemOf("too-large", fmt.Sprintf("a file has at most %d MB here; send it in parts, or use: baton import", most>>20))
}

// arriveTime is how long nothing of a file may arrive.
const arriveTime = 30 * time.Second

// arriving is the body of a request that takes longer than others may, as long as something of it arrives.
type arriving struct {
	io.ReadCloser
	control *http.ResponseController
	until   time.Time
}

// Arriving lets a file arrive for as long as most, and be answered after that. Whoever sends nothing of it for half a minute is gone.
func Arriving(w http.ResponseWriter, body io.ReadCloser, most time.Duration) io.ReadCloser {
	a := &arriving{body, http.NewResponseController(w), time.Now().Add(most)}
	_ = a.control.SetWriteDeadline(a.until) // a recorder in a test has none
	return a
}

func (a *arriving) Read(b []byte) (int, error) {
	next := time.Now().Add(arriveTime)
	if next.After(a.until) {
		next = a.until
	}
	_ = a.control.SetReadDeadline(next)
	n, err := a.ReadCloser.Read(b)
	if err != nil { // from here on it only tells whether the sender is still there
		_ = a.control.SetReadDeadline(a.until)
	}
	return n, err
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// save writes a file that is sent under the name it has, as far as that is harmless.
func (a *API) save(from io.Reader, dir, name string, most int64) (string, error) {
	name = strings.TrimLeft(unsafeName.ReplaceAllString(filepath.Base(name), "_"), ".")
	if name == "" || name == "_" {
		name = "import.csv"
	}
	path := filepath.Join(dir, name[max(0, len(name)-100):])
	f, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("keeping the file to import: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(from, most+1))
	if closed := f.Close(); closed != nil {
		return "", fmt.Errorf("keeping the file to import: %w", closed)
	}
	switch {
	case n > most:
		return "", fileTooLarge(most)
	case err != nil:
		var disk *os.PathError
		if errors.As(err, &disk) {
			return "", fmt.Errorf("keeping the file to import: %w", err)
		}
		return "", unreadable(err)
	}
	return path, nil
}

func readingOf(r *imports.Reading) *ImportReading {
	s := r.Summary()
	v := &ImportReading{Encoding: s.Encoding, Delimiter: s.Delimiter, Rows: s.Rows, Mapped: s.Mapped, Skipped: s.Skipped, Refused: s.Refused, Arrivals: s.Arrivals,
		People: s.People, Activities: s.Activities, Outcomes: s.Outcomes, Members: s.Members, Refusals: []RefusedPlace{}, Reasons: []RefusedReason{}, Notes: append([]string{}, s.Notes...)}
	if s.Arrivals > 0 {
		v.First, v.Last = perhaps(s.First), perhaps(s.Last)
	}
	for _, refusal := range s.Refusals {
		v.Refusals = append(v.Refusals, RefusedPlace{refusal.Line, refusal.Column, refusal.Reason})
	}
	for _, reason := range s.Reasons[:min(50, len(s.Reasons))] {
		v.Reasons = append(v.Reasons, RefusedReason{reason.Column, reason.Reason, reason.Rows, reason.Line})
	}
	return v
}
