package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"baton/internal/access"
	"baton/internal/api"
	"baton/internal/store"
)

func importRoutes() []route {
	return []route{
		{pattern: "GET /imports", right: RunImports, handle: showImports, exports: importExports, entry: &entry{Group: "Run", Label: "Imports", Icon: "file-up", Key: "M", Also: "/uploads"}},
		{pattern: "POST /imports", right: RunImports, handle: receiveUpload, streams: true},
		{pattern: "GET /imports/{import}", right: RunImports, handle: showImport},
		{pattern: "GET /imports/{import}/refused.csv", right: RunImports, handle: refusedCSV},
		{pattern: "GET /imports/{import}/undo", right: RunImports, handle: askUndo},
		{pattern: "POST /imports/{import}/undo", right: RunImports, handle: undoImport},
		{pattern: "POST /imports/{import}/resume", right: RunImports, handle: resumeImport},
		{pattern: "POST /imports/{import}/stop", right: RunImports, handle: stopImport},
		{pattern: "GET /uploads/{upload}", right: RunImports, handle: showMapping},
		{pattern: "POST /uploads/{upload}", right: RunImports, handle: mapUpload},
		{pattern: "POST /uploads/{upload}/preview", right: RunImports, handle: previewUpload},
		{pattern: "GET /uploads/{upload}/check", right: RunImports, handle: showCheck},
		{pattern: "GET /uploads/{upload}/refused.csv", right: RunImports, handle: uncheckedCSV},
		{pattern: "POST /uploads/{upload}/import", right: RunImports, handle: importUpload},
		{pattern: "POST /uploads/{upload}/remove", right: RunImports, handle: removeUpload},
	}
}

// importPatience is how long a page waits for what it has begun: a small file is done by then.
const importPatience = 3 * time.Second

// importsPage is what was imported, and what waits to be.
type importsPage struct {
	Why     string // the file that was sent is none to import
	Most    string // bytes of a file
	Kept    string // how long files are kept
	Uploads []uploadRow
	Rows    []importRow
	Next    string
}

// uploadRow is a file that was sent and not imported yet.
type uploadRow struct{ Href, Name, Line, State string }

// importRow is an import in the list.
type importRow struct {
	Href, File, Source, Who, When string
	Taken, Refused                string
	State, Tone                   string
}

func showImports(a *ask) (answer, error) { return a.imports("", http.StatusOK) }

// imports makes three queries beside those of every page.
func (a *ask) imports(why string, status int) (answer, error) {
	const most = 40
	p := importsPage{Why: why, Most: bytesWords(a.site.API.MostUpload), Kept: "7 days"}
	users, err := a.users()
	if err != nil {
		return nil, err
	}
	uploads, err := a.site.Store.Uploads(a.Context(), a.now.UnixMicro()-store.UploadsKept)
	if err != nil {
		return nil, err
	}
	busy := a.site.API.Importing()
	for i := range uploads {
		u := &uploads[i]
		r := uploadRow{Href: uploadURL(u.ID, ""), Name: u.File, Line: bytesWords(u.Size) + " · sent by " + a.whoDid(u.Actor, users) + " · " + a.clockTime(u.At), State: "Say what its columns mean"}
		switch {
		case busy.Upload == u.ID:
			r.State, r.Href = "Being read", uploadURL(u.ID, "/check")
		case u.Told != "":
			r.State, r.Href = "Checked, ready to import", uploadURL(u.ID, "/check")
		}
		p.Uploads = append(p.Uploads, r)
	}
	list, err := a.site.Store.ImportsBefore(a.Context(), a.after(), most+1)
	if err != nil {
		return nil, err
	}
	if len(list) > most {
		list = list[:most]
		p.Next = a.nextPage(list[most-1].ID)
	}
	for i := range list {
		im := &list[i]
		r := importRow{Href: importURL(im.ID, ""), File: im.File, Source: im.Name, Who: a.whoDid(im.Actor, users), When: a.clockTime(im.StartedAt), Taken: grouped(im.Rows - im.Refused), Refused: grouped(im.Refused)}
		r.State, r.Tone = importState(im, busy)
		p.Rows = append(p.Rows, r)
	}
	return shown{page: page{title: "Imports", body: importsBody(p)}, status: status}, nil
}

// importState says how an import stands.
func importState(im *store.Import, busy api.ImportBusy) (words, tone string) {
	switch {
	case busy.Import == im.ID && busy.Undoes:
		return "Being undone", ""
	case busy.Import == im.ID || im.State == "running":
		return "Running", ""
	case im.State == "stopped":
		return "Stopped", "soon"
	case im.State == "undoing":
		return "Half undone", "soon"
	case im.State == "undone":
		return "Undone", ""
	}
	return "Done", "kept"
}

// users are the names of all who have signed in, by their addresses: one query.
func (a *ask) users() (map[string]string, error) {
	list, err := a.site.Store.Users(a.Context())
	names := make(map[string]string, len(list))
	for i := range list {
		names[list[i].Email] = list[i].Name
	}
	return names, err
}

// whoDid is who did something, as the audit has them, for people.
func (a *ask) whoDid(actor string, users map[string]string) string {
	switch name, key := strings.CutPrefix(actor, "key "); {
	case actor == "":
		return "somebody"
	case key:
		return "the key " + name
	case actor == access.CommandLine:
		return "a command"
	}
	return cmp.Or(users[actor], a.nameOf(actor))
}

// bytesWords writes a number of bytes as people say it.
func bytesWords(n int64) string {
	switch {
	case n < 1000:
		return counted(int(n), "byte", "bytes")
	case n < 1000<<10:
		return fmt.Sprintf("%d KB", (n+512)>>10)
	case n < 10<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d MB", n>>20)
}

func importURL(id int64, more string) string {
	return "/imports/" + strconv.FormatInt(id, 10) + more
}

func uploadURL(id int64, more string) string {
	return "/uploads/" + strconv.FormatInt(id, 10) + more
}

// uploadTime is how long a file may take to arrive.
const uploadTime = 15 * time.Minute

// receiveUpload takes in a file as it comes, piece by piece, and leads to where its columns are given their meaning.
func receiveUpload(a *ask) (answer, error) {
	most := a.site.API.MostUpload + 1<<20
	if a.ContentLength > most {
		return a.imports("That is "+bytesWords(a.ContentLength)+", and a file has at most "+bytesWords(a.site.API.MostUpload)+" here. Send it in parts.", http.StatusRequestEntityTooLarge)
	}
	a.Body = http.MaxBytesReader(a.w, api.Arriving(a.w, a.Body, uploadTime), most)
	parts, err := a.MultipartReader()
	if err != nil {
		return nil, &failure{status: http.StatusUnsupportedMediaType, title: "This form did not arrive whole", text: "Nothing was kept. Go back, choose the file again and send it.", cause: err}
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return a.imports("Choose a file first.", http.StatusUnprocessableEntity)
		}
		if err != nil {
			return nil, &failure{status: http.StatusBadRequest, title: "The file did not arrive whole", text: "Nothing was kept. Go back and send it again.", cause: err}
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		u, err := a.site.API.ReceiveUpload(a.Context(), part, part.FileName())
		var p *api.Problem
		if errors.As(err, &p) && p.Status < 500 {
			return a.imports(sentence("“"+part.FileName()+"”: "+p.Detail), http.StatusUnprocessableEntity)
		}
		if err != nil {
			return nil, err
		}
		out := redirect{to: uploadURL(u.ID, "")}
		if u.Before {
			out.said = &flash{Who: u.File, Text: "has the columns of an earlier file: they become the same as then."}
		}
		return out, nil
	}
}

// uploadOf is the upload in the address. moved leads elsewhere, if it has become an import.
func (a *ask) uploadOf() (u *api.Upload, moved answer, err error) {
	id, err := strconv.ParseInt(a.PathValue("upload"), 10, 64)
	if err != nil {
		return nil, nil, errNotFound
	}
	u, err = a.site.API.UploadOf(a.Context(), id)
	switch {
	case errors.Is(err, store.ErrNoUpload):
		return nil, nil, &failure{status: http.StatusNotFound, title: "This file is not kept any more", text: "A file that is not imported is removed after 7 days, and with everything that was in it. Send it again if it is still needed.", cause: err}
	case err != nil:
		return nil, nil, err
	case u.Import != 0:
		return nil, redirect{to: importURL(u.Import, "")}, nil
	}
	return u, nil, nil
}

// checkPage is what would come of a file.
type checkPage struct {
	ID         int64
	File       string
	Busy       bool
	Read, Most int64 // bytes, while it is read
	Reading    *readingOf
	Why        []string // the file cannot be read with this mapping, in lines
	Lead       string   // what would happen, in a sentence
}

// readingOf is what came of reading a file.
type readingOf struct {
	*api.ImportReading
	Span     string // when what it tells of occurred
	Reasons  []reasonRow
	Rest     int64 // reasons that are not shown
	CSV      string
	HaveCSV  bool
	Figures  []figure
	Refusals []api.RefusedPlace
}

// figure is a number with its name.
type figure struct{ Number, Words, Hint string }

type reasonRow struct {
	Column, Reason, Rows, Line string
}

func (a *ask) readingOf(r *api.ImportReading) *readingOf {
	out := &readingOf{ImportReading: r, Refusals: r.Refusals}
	if r.First != nil && r.Last != nil {
		first, last := a.dateOf(r.First.UnixMicro()), a.dateOf(r.Last.UnixMicro())
		if out.Span = first; first != last {
			out.Span = first + " to " + last
		}
	}
	for _, reason := range r.Reasons {
		out.Reasons = append(out.Reasons, reasonRow{Column: reason.Column, Reason: reason.Reason, Rows: grouped(reason.Rows), Line: strconv.Itoa(reason.Line)})
	}
	add := func(n int64, one, more, hint string) {
		if n > 0 {
			words := more
			if n == 1 {
				words = one
			}
			out.Figures = append(out.Figures, figure{grouped(n), words, hint})
		}
	}
	if r.New != nil {
		add(*r.New, "new lead", "new leads", "")
		add(*r.Known, "lead known already", "leads known already", "")
	}
	add(r.Activities, "activity", "activities", "")
	add(r.Outcomes, "outcome", "outcomes", "")
	add(r.Members, "member of the team", "members of the team", "")
	add(r.Skipped, "row skipped", "rows skipped", "as the mapping says")
	return out
}

func showCheck(a *ask) (answer, error) {
	u, moved, err := a.uploadOf()
	if err != nil || moved != nil {
		return moved, err
	}
	p := checkPage{ID: u.ID, File: u.File}
	out := page{title: u.File}
	busy := a.site.API.Importing()
	switch {
	case busy.Upload == u.ID:
		p.Busy, p.Read, p.Most = true, busy.Read, max(1, busy.Bytes)
		out.live = "upload&id=" + strconv.FormatInt(u.ID, 10)
	case u.Told != nil && u.Told.Error != "":
		p.Why = strings.Split(u.Told.Error, "\n")
	case u.Told != nil:
		p.Reading = a.readingOf(u.Told)
		if u.Told.Refused > 0 {
			p.Reading.CSV = uploadURL(u.ID, "/refused.csv")
			if p.Reading.HaveCSV, err = a.site.Store.HasFile(a.Context(), store.UncheckedRows, u.ID); err != nil {
				return nil, err
			}
		}
	}
	out.body = checkBody(p)
	return out, nil
}

// importRefused tells at a page of an import what is in the way.
func (a *ask) importRefused(err error, back string) (answer, error) {
	said := &flash{}
	if err := said.outcome(nil, err); err != nil {
		return nil, err
	}
	return redirect{to: back, said: said}, nil
}

func importUpload(a *ask) (answer, error) {
	u, moved, err := a.uploadOf()
	if err != nil || moved != nil {
		return moved, err
	}
	if u.Told == nil || u.Told.Error != "" {
		return redirect{to: uploadURL(u.ID, "/check")}, nil
	}
	if !a.mappingPage(u).Ready { // somebody else checked what is not for this viewer, or the agreement has changed
		return redirect{to: uploadURL(u.ID, "")}, nil
	}
	id, err := a.site.API.ImportUpload(a.Context(), u, importPatience)
	switch {
	case err != nil:
		return a.importRefused(err, uploadURL(u.ID, "/check"))
	case id == 0:
		return redirect{to: uploadURL(u.ID, "/check")}, nil
	}
	return redirect{to: importURL(id, "")}, nil
}

func removeUpload(a *ask) (answer, error) {
	u, moved, err := a.uploadOf()
	if err != nil || moved != nil {
		return moved, err
	}
	if a.site.API.Importing().Upload == u.ID {
		return redirect{to: uploadURL(u.ID, "/check"), said: &flash{Refused: true, Text: "It is being read; wait until that is done."}}, nil
	}
	if err := a.site.Store.RemoveUpload(a.Context(), u.Upload, a.now.UnixMicro()); err != nil {
		return nil, err
	}
	return redirect{to: "/imports", said: &flash{Who: u.File, Text: "is removed, with all that was in it."}}, nil
}

// importPage is an import.
type importPage struct {
	store.Import
	Who, When   string
	State, Tone string
	Lead        string // how it stands, in a sentence
	Running     bool
	Done, Total int64 // of what there is to take in; Total is 0 if that is not known
	Until       string
	Reading     *readingOf
	CanUndo     bool
	CanResume   bool
	CanStop     bool // it runs here
	Stopping    bool
	Problems    int64
	Unchanging  int64
}

// importOf is the import in the address.
func (a *ask) importOf() (store.Import, error) {
	id, err := strconv.ParseInt(a.PathValue("import"), 10, 64)
	if err != nil {
		return store.Import{}, errNotFound
	}
	im, err := a.site.Store.Import(a.Context(), id)
	if errors.Is(err, store.ErrNoImport) {
		return im, &failure{status: http.StatusNotFound, title: "There is no such import", text: "The page of the imports lists those there are.", cause: err}
	}
	return im, err
}

// showImport makes up to six queries beside those of every page.
func showImport(a *ask) (answer, error) {
	im, err := a.importOf()
	if err != nil {
		return nil, err
	}
	users, err := a.users()
	if err != nil {
		return nil, err
	}
	busy := a.site.API.Importing()
	p := importPage{Import: im, Who: a.whoDid(im.Actor, users), When: a.clockTime(im.StartedAt)}
	p.State, p.Tone = importState(&im, busy)
	out := page{title: cmp.Or(im.File, im.Name)}
	told, err := a.site.API.ReadingOfImport(a.Context(), &im)
	if err != nil {
		return nil, err
	}
	if told != nil {
		p.Reading = a.readingOf(told)
		p.Total = told.Arrivals
	}
	if im.Refused > 0 {
		if p.Reading == nil {
			p.Reading = &readingOf{ImportReading: &api.ImportReading{Rows: im.Rows, Refused: im.Refused}}
		}
		p.Reading.CSV = importURL(im.ID, "/refused.csv")
		if p.Reading.HaveCSV, err = a.site.Store.HasFile(a.Context(), store.RefusedRows, im.ID); err != nil {
			return nil, err
		}
	}
	p.Done = im.Arrivals
	if progress := a.site.API.Progress(im.ID); progress != nil {
		p.Total, p.Done = progress.Total, progress.Done
		p.Problems, p.Unchanging = progress.Problems, progress.Unchanging
		if !progress.At.IsZero() {
			p.Until = a.dateOf(progress.At.UnixMicro())
		}
	}
	if p.CanStop = busy.Import == im.ID; p.CanStop {
		p.Stopping = busy.Stopping
	}
	if p.State == "Being undone" {
		p.Done, p.Total = busy.Undone, busy.Leads
	}
	switch {
	case p.State == "Running" || p.State == "Being undone":
		p.Running = true
		out.live = "import&id=" + strconv.FormatInt(im.ID, 10)
	case im.State == "stopped":
		_, err := a.site.Store.UploadOfImport(a.Context(), im.ID)
		if err != nil && !errors.Is(err, store.ErrNoUpload) {
			return nil, err
		}
		p.CanResume = err == nil
	}
	p.CanUndo = !p.Running && im.State != "undone"
	if im.FinishedAt > im.StartedAt {
		p.When += ", took " + words(im.FinishedAt-im.StartedAt)
	}
	out.body = importBody(p)
	return out, nil
}

// csvFile hands over refused rows, and puts on record that they were taken out.
func (a *ask) csvFile(kind store.PieceKind, id int64, name, what string) (answer, error) {
	there, err := a.site.Store.HasFile(a.Context(), kind, id)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, &failure{status: http.StatusNotFound, title: "These rows are not kept any more", text: "Refused rows are kept for 7 days. Send the file again: a check lists them once more."}
	}
	if err := a.site.Store.Did(a.Context(), a.now.UnixMicro(), access.Exported, what, "refused rows"); err != nil {
		return nil, err
	}
	return file{name: name, media: "text/csv; charset=utf-8", write: func(ctx context.Context, w http.ResponseWriter) error {
		if err := a.site.Store.WriteFile(ctx, kind, id, w); err != nil && ctx.Err() == nil {
			return fmt.Errorf("sending refused rows: %w", err)
		}
		return nil
	}}, nil
}

// refusedName is the name of a file of refused rows.
func refusedName(file string) string {
	if i := strings.LastIndexByte(file, '.'); i > 0 {
		file = file[:i]
	}
	return strings.TrimSuffix(file, "-refused") + "-refused.csv"
}

func refusedCSV(a *ask) (answer, error) {
	im, err := a.importOf()
	if err != nil {
		return nil, err
	}
	return a.csvFile(store.RefusedRows, im.ID, refusedName(im.File), "import "+strconv.FormatInt(im.ID, 10))
}

func uncheckedCSV(a *ask) (answer, error) {
	u, moved, err := a.uploadOf()
	if err != nil || moved != nil {
		return moved, err
	}
	return a.csvFile(store.UncheckedRows, u.ID, refusedName(u.File), u.File)
}

// undoPage asks whether an import should be undone, and says what that does.
type undoPage struct {
	store.Import
	When string
	Does []string
}

// askUndo makes one query beside those of every page.
func askUndo(a *ask) (answer, error) {
	im, err := a.importOf()
	if err != nil {
		return nil, err
	}
	if im.State == "undone" {
		return redirect{to: importURL(im.ID, "")}, nil
	}
	p := undoPage{Import: im, When: a.clockTime(im.StartedAt)}
	p.Does = append(p.Does, "Everything it said is taken back: "+grouped(im.Arrivals)+" "+plural(int(im.Arrivals), "entry", "entries")+" from "+grouped(im.Rows-im.Refused)+" "+plural(int(im.Rows-im.Refused), "row", "rows")+".")
	p.Does = append(p.Does,
		"Leads and companies that nothing else is known of disappear, with their addresses and numbers.",
		"The others are decided again, as if the import had never been: stage, score, owner and deadlines may change.",
		"Who objected to being contacted still does.",
		"What was sent meanwhile stays sent, and what people did on those leads stays on record.",
		"It takes a while if there are many leads; others go on working meanwhile. The file can be imported again afterwards.")
	return page{title: "Undo this import?", body: undoBody(p)}, nil
}

func undoImport(a *ask) (answer, error) {
	im, err := a.importOf()
	if err != nil {
		return nil, err
	}
	done, err := a.site.API.UndoImport(a.Context(), im.ID, importPatience)
	if err != nil {
		return a.importRefused(err, importURL(im.ID, ""))
	}
	said := &flash{Who: im.File, Text: "is being undone."}
	if done {
		said.Text = "is undone."
	}
	return redirect{to: importURL(im.ID, ""), said: said}, nil
}

func stopImport(a *ask) (answer, error) {
	im, err := a.importOf()
	if err != nil {
		return nil, err
	}
	said := &flash{Who: im.File, Text: "is stopped."}
	if !a.site.API.StopImport(a.Context(), im.ID, importPatience) {
		said = &flash{Refused: true, Text: "It does not run any more."}
	} else if err := a.site.Store.Did(a.Context(), a.now.UnixMicro(), store.StoppedImport, fmt.Sprintf("import %d", im.ID), im.File); err != nil {
		return nil, err
	}
	return redirect{to: importURL(im.ID, ""), said: said}, nil
}

func resumeImport(a *ask) (answer, error) {
	im, err := a.importOf()
	if err != nil {
		return nil, err
	}
	u, err := a.site.API.UploadOfImport(a.Context(), im.ID)
	if errors.Is(err, store.ErrNoUpload) || im.State != "stopped" {
		return redirect{to: importURL(im.ID, "")}, nil
	}
	if err == nil && !a.mappingPage(u).Ready {
		return redirect{to: importURL(im.ID, ""), said: &flash{Refused: true, Text: "What its columns become is not for you to bring in, or has no place in the agreement any more."}}, nil
	}
	if err == nil {
		_, err = a.site.API.ImportUpload(a.Context(), u, importPatience)
	}
	if err != nil {
		return a.importRefused(err, importURL(im.ID, ""))
	}
	return redirect{to: importURL(im.ID, "")}, nil
}

// importMark changes with what the page of an import shows.
func importMark(a *ask, id int64) (string, error) {
	if !a.viewer.May(RunImports) || id == 0 {
		return "", nil
	}
	im, err := a.site.Store.Import(a.Context(), id)
	var b bytes.Buffer
	busy := a.site.API.Importing()
	fmt.Fprint(&b, im.State, im.Arrivals, busy.Import, busy.Undone, busy.Stopping)
	if p := a.site.API.Progress(id); p != nil {
		fmt.Fprint(&b, " ", p.Done, p.Error)
	}
	return b.String(), err
}

// uploadMark changes with what the page of an upload shows.
func uploadMark(a *ask, id int64) (string, error) {
	if !a.viewer.May(RunImports) {
		return "", nil
	}
	busy := a.site.API.Importing()
	return fmt.Sprint(busy.Upload == id, busy.Read), nil
}

func percent(done, total int64) int64 {
	if total <= 0 {
		return 0
	}
	return min(100, done*100/total)
}

// rowsWords counts rows.
func rowsWords(n int64) string { return grouped(n) + " " + plural(int(min(n, 2)), "row", "rows") }

// wouldWords says what would come of a file.
func wouldWords(r *readingOf) string {
	switch {
	case r.Rows == 0:
		return "The file has no rows"
	case r.Mapped == 0 && r.Refused > 0:
		return "No row can be imported as it is"
	case r.Refused == 0 && r.Skipped == 0:
		return "All " + rowsWords(r.Rows) + " can be imported"
	}
	return grouped(r.Mapped) + " of " + rowsWords(r.Rows) + " can be imported"
}

// standsWords says how an import stands.
func standsWords(p *importPage) string {
	taken := rowsWords(p.Rows - p.Refused)
	switch {
	case p.State == "Being undone":
		return "It is being undone"
	case p.Import.State == "undoing":
		return "It is undone in part"
	case p.Running:
		return "It is being taken in"
	case p.Import.State == "stopped":
		return "It stopped in the middle"
	case p.Import.State == "undone":
		return "It was undone"
	case p.Refused > 0:
		return taken + " imported, " + grouped(p.Refused) + " refused"
	}
	return taken + " imported"
}

func standsHint(p *importPage) string {
	switch {
	case p.Stopping:
		return "It stops as soon as what is at hand is done."
	case p.State == "Being undone":
		text := "Leads it brought disappear, the others are decided again without it. You can leave this page: it goes on."
		if p.Total > 0 {
			text = grouped(p.Done) + " of " + grouped(p.Total) + " " + plural(int(min(p.Total, 2)), "lead", "leads") + ". " + text
		}
		return text
	case p.Import.State == "undoing":
		return "That was stopped in the middle: some leads still count what it said of them, others do not any more. Undo it to its end."
	case p.Running && p.Total > 0:
		text := grouped(p.Done) + " of " + grouped(p.Total)
		if p.Until != "" {
			text += ", up to " + p.Until
		}
		return text + ". You can leave this page: it goes on."
	case p.Running:
		return grouped(p.Done) + " taken in so far. You can leave this page: it goes on."
	case p.CanResume:
		return "Somebody stopped it, the server was restarted, or something kept it from going on. What was taken in is kept, and nothing of it counts twice."
	case p.Import.State == "stopped":
		return "What was taken in is kept. The same file with the same mapping goes on from there, and nothing counts twice."
	case p.Import.State == "undone":
		return "Nothing it said counts any more. The same file can be imported again."
	}
	return grouped(p.Arrivals) + " " + plural(int(min(p.Arrivals, 2)), "entry", "entries") + " in the history of leads."
}

func wasRefused(n int64) string { return plural(int(min(n, 2)), "was refused", "were refused") }

func previewHint(p *mappingPage) string {
	if p.Refused > 0 {
		return counted(p.Refused, "row", "rows") + " of these would be refused"
	}
	return "Live: change a column and look"
}

func anyChosen(list []option) bool {
	for i := range list {
		if list[i].Chosen {
			return true
		}
	}
	return false
}
