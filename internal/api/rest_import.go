package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"baton/internal/engine"
	"baton/internal/store"
)

const (
	mostMapping = 256 << 10
	importTime  = 30 * time.Minute // to send a file and have it read
)

// importView is a file that was read in.
type importView struct {
	ID         int64           `json:"id"`
	Name       string          `json:"name" doc:"The source, as the mapping calls it."`
	File       string          `json:"file,omitempty"`
	State      string          `json:"state" enum:"running,done,stopped,undoing,undone" doc:"stopped: what was taken in is kept, and the same file goes on from there. undoing: undo was called and is not done to its end; if nothing has it done at the moment, call it again."`
	By         string          `json:"by,omitempty" doc:"Who began it: the address of a user, key NAME, or command line."`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	Rows       int64           `json:"rows" doc:"Of the file."`
	Arrivals   int64           `json:"arrivals" doc:"What was taken in."`
	Refused    int64           `json:"refused" doc:"Rows that made nothing; GET refused lists them."`
	Progress   *ImportProgress `json:"progress,omitempty" doc:"While it runs here, and once it has."`
}

// importReport is what came of reading a file.
type importReport struct {
	DryRun  bool           `json:"dry_run"`
	Import  *importView    `json:"import,omitempty" doc:"Left out of a dry run."`
	Reading *ImportReading `json:"reading"`
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
		Description: "CSV: the line, the column and the reason, then the row as it was, to be mended and imported with the same mapping. Kept for seven days. A cell that a spreadsheet would take for a formula has an apostrophe before it, which the next import takes away again.",
		Errors:      []int{404}, Responses: map[string]*huma.Response{"200": {Description: "The rows.", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string"}}}}}}, ScopeRead, a.getRefused)
	register(a, huma.Operation{Method: http.MethodPost, Path: "/imports/{import}/undo", OperationID: "undo-import", Tags: []string{"Imports"}, Summary: "Undo an import",
		Description: "Its leads and accounts are as if it had never been, but who objected to being contacted still does. Undone in steps, between which others are served; called again after it was stopped, it goes on from there. 202 if that takes longer than the answer waits; GET tells when it is done.", DefaultStatus: 200, Errors: []int{404, 409}}, ScopeWrite, a.undoImport)
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
	if a.Plan() == nil {
		return engine.ErrNoAgreement
	}
	j, err := a.newImportJob()
	if err != nil {
		return err
	}
	behind := false
	defer func() {
		if !behind {
			j.end()
		}
	}()
	if r.ContentLength > a.MostImport+mostMapping+1<<20 {
		return fileTooLarge(a.MostImport)
	}
	r.Body = Arriving(w, r.Body, importTime)
	if j.file, j.mapping, err = a.receive(r, j.dir); err != nil {
		return err
	}
	if err := j.begin(r.Context(), ImportBusy{What: "an import is running"}); err != nil {
		return err
	}
	if err := j.read(r.Context()); err != nil {
		return err
	}
	out := importReport{DryRun: dry}
	if dry {
		if out.Reading, err = j.dryRun(r.Context()); err != nil {
			return err
		}
		return answerJSON(w, http.StatusOK, out)
	}
	out.Reading = readingOf(j.reading)
	if err := j.start(r.Context(), out.Reading); err != nil {
		return err
	}
	out.Import = a.importOf(j.im)
	behind = true
	go func() {
		defer j.end()
		_ = j.decide() // it is on record
	}()
	w.Header().Set("Location", restPath+"/imports/"+strconv.FormatInt(j.im.ID, 10))
	return answerJSON(w, http.StatusAccepted, out)
}

// receive writes the file of a request into a directory and returns its path and the mapping.
func (a *API) receive(r *http.Request, dir string) (file string, mapping []byte, err error) {
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "text/csv", "application/csv":
		if mapping = []byte(r.URL.Query().Get("mapping")); len(mapping) == 0 {
			return "", nil, problemOf("invalid", "there is no mapping: give it as the parameter mapping, or send mapping and file as multipart/form-data", ProblemError{Location: "query.mapping", Message: "is needed"})
		}
		file, err = a.save(r.Body, dir, r.URL.Query().Get("name"), a.MostImport)
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
			if file, err = a.save(part, dir, part.FileName(), a.MostImport); err != nil {
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

// importOf tells an import with how far it is, as far as that is known here.
func (a *API) importOf(im store.Import) *importView {
	v := &importView{ID: im.ID, Name: im.Name, File: im.File, By: im.Actor, State: im.State, StartedAt: moment(im.StartedAt), FinishedAt: perhaps(im.FinishedAt), Rows: im.Rows, Arrivals: im.Arrivals, Refused: im.Refused}
	v.Progress = a.Progress(im.ID)
	if b := a.Importing(); b.Import == im.ID && !b.Undoes {
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

func (a *API) getRefused(ctx context.Context, in *importRef) (*huma.StreamResponse, error) {
	if _, err := a.Store.Import(ctx, in.ID); err != nil {
		return nil, err
	}
	if there, err := a.Store.HasFile(ctx, store.RefusedRows, in.ID); err != nil {
		return nil, err
	} else if !there {
		return nil, errNoRefused
	}
	return &huma.StreamResponse{Body: func(w huma.Context) {
		w.SetHeader("Content-Type", "text/csv; charset=utf-8")
		w.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="import-%d-refused.csv"`, in.ID))
		if err := a.WriteRefused(w.Context(), in.ID, w.BodyWriter()); err != nil {
			a.Log.Warn("refused rows were not sent whole", "import", in.ID, "error", err)
		}
	}}, nil
}

// undoPatience is how long the answer to an undoing waits for it.
const undoPatience = 10 * time.Second

func (a *API) undoImport(ctx context.Context, in *importRef) (*importAnswer, error) {
	done, err := a.UndoImport(ctx, in.ID, undoPatience)
	if err != nil {
		return nil, err
	}
	im, err := a.Store.Import(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	status := http.StatusAccepted
	if done {
		status = http.StatusOK
	}
	return &importAnswer{Status: status, Body: *a.importOf(im)}, nil
}
