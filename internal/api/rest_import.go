package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/engine"
	"baton/internal/imports"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

const (
	mostMapping  = 256 << 10
	importTime   = 30 * time.Minute // to send a file and have it read
	importsKnown = 20               // imports of which the refused rows are kept
)

// importView is a file that was read in.
type importView struct {
	ID         int64           `json:"id"`
	Name       string          `json:"name" doc:"The source, as the mapping calls it."`
	File       string          `json:"file,omitempty"`
	State      string          `json:"state" enum:"running,done,stopped,undone" doc:"stopped: what was taken in is kept, and the same file goes on from there."`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	Rows       int64           `json:"rows" doc:"Of the file."`
	Arrivals   int64           `json:"arrivals" doc:"What was taken in."`
	Refused    int64           `json:"refused" doc:"Rows that made nothing; GET refused lists them."`
	Progress   *importProgress `json:"progress,omitempty" doc:"While it runs here, and once it has."`
}

type importProgress struct {
	Total      int64     `json:"total" doc:"How much there is to take in."`
	Done       int64     `json:"done"`
	Known      int64     `json:"known" doc:"Of it, what was known already."`
	Timers     int64     `json:"timers" doc:"What fell due in between."`
	Unchanging int64     `json:"unchanging" doc:"Commands that could not be carried out."`
	Problems   int64     `json:"problems" doc:"What could not be decided; it is kept."`
	At         time.Time `json:"at" doc:"How far it is in the time of the file."`
	Error      string    `json:"error,omitempty" doc:"Why it stopped."`
}

// importReport is what came of reading a file.
type importReport struct {
	DryRun  bool        `json:"dry_run"`
	Import  *importView `json:"import,omitempty" doc:"Left out of a dry run."`
	Reading readingView `json:"reading"`
}

type readingView struct {
	Encoding   string         `json:"encoding"`
	Delimiter  string         `json:"delimiter"`
	Rows       int64          `json:"rows"`
	Mapped     int64          `json:"mapped" doc:"Understood."`
	Skipped    int64          `json:"skipped" doc:"As the mapping says."`
	Refused    int64          `json:"refused"`
	Arrivals   int64          `json:"arrivals" doc:"What there is to take in."`
	People     int64          `json:"people"`
	Activities int64          `json:"activities"`
	Outcomes   int64          `json:"outcomes"`
	Refusals   []refusedPlace `json:"refusals" doc:"The first rows that were refused."`
	Notes      []string       `json:"notes"`
}

type refusedPlace struct {
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
}

type importsAnswer struct {
	Body struct {
		Items []importView `json:"items" doc:"The oldest first."`
	}
}

type importRef struct {
	ID int64 `path:"import" minimum:"1" doc:"Its number."`
}

type importAnswer struct {
	Status int
	Body   importView
}

type refusedAnswer struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// importer runs one import, or one undoing, at a time behind the requests.
type importer struct {
	lock    sync.Mutex
	busy    string // what runs, for people; "" for nothing
	id      int64  // of the import that runs, 0 for none
	cancel  context.CancelFunc
	done    chan struct{} // closed when it is over
	closed  bool
	dir     string // for files on their way and refused rows; "" before the first
	told    map[int64]importProgress
	refused map[int64]string // files of refused rows
	order   []int64
}

// begin takes the place of the one who may import. The context ends with the API, not with the request.
func (f *importer) begin(what string) (context.Context, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	switch {
	case f.closed:
		return nil, engine.ErrClosed
	case f.busy != "":
		return nil, problemOf("conflict", f.busy+"; one at a time, so wait until it is done").with("Retry-After", "10")
	}
	if f.dir == "" {
		dir, err := os.MkdirTemp("", "baton-import-")
		if err != nil {
			return nil, fmt.Errorf("making room for files to import: %w", err)
		}
		f.dir, f.told, f.refused = dir, map[int64]importProgress{}, map[int64]string{}
	}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	f.busy, f.id, f.done = what, 0, make(chan struct{})
	return ctx, nil
}

// end makes room for the next.
func (f *importer) end() {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.cancel()
	f.busy, f.id = "", 0
	close(f.done)
}

// remember keeps what is known of an import beside the database, for the last few.
func (f *importer) remember(id int64, p importProgress) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if _, ok := f.told[id]; !ok {
		if f.order = append(f.order, id); len(f.order) > importsKnown {
			old := f.order[0]
			f.order = f.order[1:]
			if path := f.refused[old]; path != "" {
				_ = os.Remove(path)
			}
			delete(f.told, old)
			delete(f.refused, old)
		}
	}
	f.told[id] = p
}

func (f *importer) close() error {
	f.lock.Lock()
	f.closed = true
	var done chan struct{}
	if f.busy != "" {
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

func (a *API) importRoutes() {
	schemas := a.rest.OpenAPI().Components.Schemas
	answer := func(text string) *huma.Response {
		return &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(reflect.TypeFor[importReport](), true, "ImportReport")}}}
	}
	a.registerRaw(huma.Operation{Method: http.MethodPost, Path: "/imports", OperationID: "start-import", Tags: []string{"Imports"}, Summary: "Import a file",
		Description: "A CSV file, read through a mapping (docs/import.md). The answer comes when the file has been read; it is decided behind it, and GET tells how far it is. " +
			"The same file with the same mapping goes on where it stopped, and takes nothing in twice.",
		Parameters: []*huma.Param{
			{Name: "dry_run", In: "query", Description: "Read and check everything, and change nothing.", Schema: &huma.Schema{Type: "boolean"}},
			{Name: "mapping", In: "query", Description: "The mapping, as YAML, when the body is the CSV itself.", Schema: &huma.Schema{Type: "string"}},
			{Name: "name", In: "query", Description: "What the file is called, when the body is the CSV itself.", Schema: &huma.Schema{Type: "string"}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"multipart/form-data": {Schema: &huma.Schema{Type: "object", Required: []string{"mapping", "file"}, Properties: map[string]*huma.Schema{
				"mapping": {Type: "string", Description: "YAML."}, "file": {Type: "string", Format: "binary", Description: "CSV."}}}},
			"text/csv": {Schema: &huma.Schema{Type: "string"}}}},
		Responses:    map[string]*huma.Response{"200": answer("A dry run: what would be taken in."), "202": answer("It is being decided.")},
		MaxBodyBytes: -1, Errors: []int{400, 409, 413, 415, 422}}, ScopeWrite, a.startImport)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/imports", OperationID: "list-imports", Tags: []string{"Imports"}, Summary: "List the imports"}, ScopeRead, a.listImports)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/imports/{import}", OperationID: "get-import", Tags: []string{"Imports"}, Summary: "Get an import, and how far it is",
		Errors: []int{404}}, ScopeRead, a.getImport)
	register(a, huma.Operation{Method: http.MethodGet, Path: "/imports/{import}/refused", OperationID: "get-refused", Tags: []string{"Imports"}, Summary: "Get the rows that were refused",
		Description: "CSV: the line, the column and the reason, then the row as it was, to be mended and imported with the same mapping. Kept for the last 20 imports, until the server stops.",
		Errors:      []int{404}, Responses: map[string]*huma.Response{"200": {Description: "The rows.", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string"}}}}}}, ScopeRead, a.getRefused)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/imports/{import}/undo", OperationID: "undo-import", Tags: []string{"Imports"}, Summary: "Undo an import",
		Description: "Its leads and accounts are as if it had never been, but who objected to being contacted still does. 202 if that takes longer than the answer waits; GET tells when it is done.", DefaultStatus: 200, Errors: []int{404, 409}}, ScopeWrite, a.undoImport)
}

func (a *API) startImport(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	for name := range query {
		if name != "dry_run" && name != "mapping" && name != "name" {
			return problemOf("invalid", "unknown query parameter "+clip(name), ProblemError{Location: "query." + clip(name), Message: "unknown query parameter"})
		}
	}
	dry, err := strconv.ParseBool(or(query.Get("dry_run"), "false"))
	if err != nil {
		return problemOf("invalid", "dry_run is true or false", ProblemError{Location: "query.dry_run", Message: "true or false"})
	}
	plan := a.Plan()
	if plan == nil {
		return engine.ErrNoAgreement
	}
	ctx, err := a.files.begin("an import is running")
	if err != nil {
		return err
	}
	behind := false
	defer func() {
		if !behind {
			a.files.end()
		}
	}()
	control := http.NewResponseController(w)
	until := time.Now().Add(importTime)
	_, _ = control.SetReadDeadline(until), control.SetWriteDeadline(until) // a recorder in a test has none

	dir, err := os.MkdirTemp(a.files.dir, "")
	if err != nil {
		return fmt.Errorf("making room for the file to import: %w", err)
	}
	var reading *imports.Reading
	defer func() {
		if !behind {
			_ = discard(reading, dir)
		}
	}()
	file, source, err := a.receive(r, dir)
	if err != nil {
		return err
	}
	mapping, findings := imports.ParseMapping("mapping", source, plan)
	if mapping == nil || findings.HasErrors() {
		p := problemOf("findings", "the mapping cannot work; findings says where and why, and nothing was imported")
		p.Findings = findingsOf(findings)
		return p
	}
	if reading, err = imports.Open(r.Context(), file, mapping, imports.Options{Now: a.now(), TempDir: dir}); err != nil {
		if r.Context().Err() != nil {
			return r.Context().Err()
		}
		return problemOf("invalid", strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""), ProblemError{Location: "body.file", Message: "it is not what the mapping says"})
	}
	out := importReport{DryRun: dry}
	if dry {
		// the order of time shows more: walk through it once
		if err := imports.Merge(func(*lifecycle.Arrival) error { return r.Context().Err() }, reading); err != nil {
			return err
		}
		out.Reading = readingOf(reading)
		return answerJSON(w, http.StatusOK, out)
	}
	out.Reading = readingOf(reading)
	hash := sha256.New()
	if err := imports.Hash(hash, file, source); err != nil {
		return err
	}
	s := reading.Summary()
	im, err := a.Store.StartImport(r.Context(), store.Import{Name: mapping.Name, File: filepath.Base(file), Hash: hex.EncodeToString(hash.Sum(nil)), StartedAt: a.now(), Rows: s.Rows, Refused: s.Refused})
	if err != nil {
		return err
	}
	im.Rows, im.Refused = s.Rows, s.Refused
	if err := a.keepRefused(im.ID, reading); err != nil {
		return err
	}
	progress := importProgress{Total: s.Arrivals, At: moment(s.First)}
	a.files.remember(im.ID, progress)
	a.files.lock.Lock()
	a.files.busy, a.files.id = fmt.Sprintf("import %d is running", im.ID), im.ID
	a.files.lock.Unlock()
	out.Import = a.importOf(im)
	behind = true
	go func() {
		defer a.files.end()
		defer func() { _ = discard(reading, dir) }()
		ended, err := a.Engine.Import(ctx, im, []*imports.Reading{reading}, engine.HistoryOptions{Progress: func(p engine.Progress) {
			progress = importProgress{Total: s.Arrivals, Done: p.Arrivals, Known: p.Duplicates, Timers: p.Timers, Unchanging: p.Refused, Problems: p.Problems, At: moment(p.At)}
			a.files.remember(im.ID, progress)
		}})
		if err != nil {
			a.Log.Error("an import stopped", "import", im.ID, "error", err)
			progress.Error = "it was stopped; the same file with the same mapping goes on from there"
			a.files.remember(im.ID, progress)
			return
		}
		a.Log.Info("an import is done", "import", ended.ID, "rows", ended.Rows, "inputs", progress.Done-progress.Known)
	}()
	w.Header().Set("Location", restPath+"/imports/"+strconv.FormatInt(im.ID, 10))
	return answerJSON(w, http.StatusAccepted, out)
}

// discard removes what an import has on disk.
func discard(reading *imports.Reading, dir string) error {
	var err error
	if reading != nil {
		err = reading.Close()
	}
	return errors.Join(err, os.RemoveAll(dir))
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// receive writes the file of a request into a directory and returns its path and the mapping.
func (a *API) receive(r *http.Request, dir string) (file string, mapping []byte, err error) {
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "text/csv", "application/csv":
		if mapping = []byte(r.URL.Query().Get("mapping")); len(mapping) == 0 {
			return "", nil, problemOf("invalid", "there is no mapping: give it as the parameter mapping, or send mapping and file as multipart/form-data", ProblemError{Location: "query.mapping", Message: "is needed"})
		}
		file, err = a.save(r.Body, dir, r.URL.Query().Get("name"))
		return file, mapping, err
	case "multipart/form-data":
	default:
		return "", nil, problemOf("media-type", "send the file as text/csv with the parameter mapping, or mapping and file as multipart/form-data")
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", nil, problemOf("malformed", "the body is no multipart/form-data, or ended early")
		}
		switch {
		case part.FormName() == "mapping" && mapping == nil:
			if mapping, err = io.ReadAll(io.LimitReader(part, mostMapping+1)); err != nil {
				return "", nil, problemOf("malformed", "the mapping ended early")
			}
			if len(mapping) > mostMapping {
				return "", nil, problemOf("too-large", fmt.Sprintf("a mapping has at most %d KB", mostMapping>>10))
			}
		case part.FormName() == "file" && file == "":
			if file, err = a.save(part, dir, part.FileName()); err != nil {
				return "", nil, err
			}
		default:
			return "", nil, problemOf("invalid", fmt.Sprintf("there is a part %q; mapping and file are those there are, once each", clip(part.FormName())))
		}
	}
	if mapping == nil || file == "" {
		return "", nil, problemOf("invalid", "the parts mapping and file are both needed", ProblemError{Location: "body", Message: "mapping and file are needed"})
	}
	return file, mapping, nil
}

// save writes a file that is sent under the name it has, as far as that is harmless.
func (a *API) save(from io.Reader, dir, name string) (string, error) {
	name = strings.TrimLeft(unsafeName.ReplaceAllString(filepath.Base(name), "_"), ".")
	if name == "" || name == "_" {
		name = "import.csv"
	}
	path := filepath.Join(dir, name[max(0, len(name)-100):])
	f, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("keeping the file to import: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(from, a.MostImport+1))
	if closed := f.Close(); closed != nil {
		return "", fmt.Errorf("keeping the file to import: %w", closed)
	}
	switch {
	case n > a.MostImport:
		return "", problemOf("too-large", fmt.Sprintf("a file has at most %d MB here; send it in parts, or use: baton import", a.MostImport>>20))
	case err != nil:
		var disk *os.PathError
		if errors.As(err, &disk) {
			return "", fmt.Errorf("keeping the file to import: %w", err)
		}
		return "", unreadable(err)
	}
	return path, nil
}

// keepRefused keeps the refused rows of an import for those who ask for them.
func (a *API) keepRefused(id int64, reading *imports.Reading) error {
	path := filepath.Join(a.files.dir, fmt.Sprintf("refused-%d.csv", id))
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keeping the refused rows: %w", err)
	}
	if err := errors.Join(reading.WriteRefused(f), f.Close()); err != nil {
		return fmt.Errorf("keeping the refused rows: %w", err)
	}
	a.files.lock.Lock()
	defer a.files.lock.Unlock()
	a.files.refused[id] = path
	return nil
}

func readingOf(r *imports.Reading) readingView {
	s := r.Summary()
	v := readingView{Encoding: s.Encoding, Delimiter: s.Delimiter, Rows: s.Rows, Mapped: s.Mapped, Skipped: s.Skipped, Refused: s.Refused, Arrivals: s.Arrivals,
		People: s.People, Activities: s.Activities, Outcomes: s.Outcomes, Refusals: []refusedPlace{}, Notes: append([]string{}, s.Notes...)}
	for _, refusal := range s.Refusals {
		v.Refusals = append(v.Refusals, refusedPlace{refusal.Line, refusal.Column, refusal.Reason})
	}
	return v
}

// importOf tells an import with how far it is, as far as that is known here.
func (a *API) importOf(im store.Import) *importView {
	v := &importView{ID: im.ID, Name: im.Name, File: im.File, State: im.State, StartedAt: moment(im.StartedAt), FinishedAt: perhaps(im.FinishedAt), Rows: im.Rows, Arrivals: im.Arrivals, Refused: im.Refused}
	a.files.lock.Lock()
	defer a.files.lock.Unlock()
	if p, ok := a.files.told[im.ID]; ok {
		v.Progress = &p
	}
	if a.files.id == im.ID && im.ID != 0 {
		v.State, v.FinishedAt = "running", nil
	}
	return v
}

func (a *API) listImports(ctx context.Context, _ *struct{}) (*importsAnswer, error) {
	list, err := a.Store.Imports(ctx)
	out := &importsAnswer{}
	out.Body.Items = []importView{}
	for _, im := range list {
		out.Body.Items = append(out.Body.Items, *a.importOf(im))
	}
	return out, err
}

func (a *API) getImport(ctx context.Context, in *importRef) (*importAnswer, error) {
	im, err := a.Store.Import(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &importAnswer{Status: http.StatusOK, Body: *a.importOf(im)}, nil
}

func (a *API) getRefused(ctx context.Context, in *importRef) (*refusedAnswer, error) {
	if _, err := a.Store.Import(ctx, in.ID); err != nil {
		return nil, err
	}
	a.files.lock.Lock()
	path := a.files.refused[in.ID]
	a.files.lock.Unlock()
	var rows []byte
	err := os.ErrNotExist
	if path != "" {
		rows, err = os.ReadFile(path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, problemOf("not-found", "the refused rows of this import are not kept any more; a dry run of the same file lists them again")
	}
	return &refusedAnswer{ContentType: "text/csv; charset=utf-8", Disposition: fmt.Sprintf(`attachment; filename="import-%d-refused.csv"`, in.ID), Body: rows}, err
}

// undoPatience is how long the answer to an undoing waits for it.
const undoPatience = 10 * time.Second

func (a *API) undoImport(ctx context.Context, in *importRef) (*importAnswer, error) {
	im, err := a.Store.Import(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if im.State == "undone" {
		return nil, problemOf("conflict", fmt.Sprintf("import %d is undone already", in.ID))
	}
	behind, err := a.files.begin(fmt.Sprintf("import %d is being undone", in.ID))
	if err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	go func() {
		defer a.files.end()
		err := a.Engine.Undo(behind, in.ID)
		if err != nil {
			a.Log.Error("an import was not undone", "import", in.ID, "error", err)
		}
		failed <- err
	}()
	status := http.StatusOK
	select {
	case err = <-failed:
	case <-time.After(undoPatience):
		status = http.StatusAccepted
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err == nil {
		im, err = a.Store.Import(ctx, in.ID)
	}
	if err != nil {
		return nil, err
	}
	return &importAnswer{Status: status, Body: *a.importOf(im)}, nil
}
