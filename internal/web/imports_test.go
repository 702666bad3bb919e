package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"baton/internal/imports"
	"baton/internal/store"
)

// desk is a browser without scripts, in which somebody with a role is signed in.
type desk struct {
	*testing.T
	site   *Site
	viewer *Viewer
	flash  *http.Cookie
}

func (s *Site) desk(t *testing.T, role Role) *desk {
	return &desk{T: t, site: s, viewer: &Viewer{ID: 1, Email: "admin@northwind.example", Name: "Ada", Roles: []Role{role}}}
}

func (d *desk) do(method, path, kind string, body []byte) *httptest.ResponseRecorder {
	d.Helper()
	r := httptest.NewRequestWithContext(context.WithValue(d.Context(), asViewer{}, d.viewer), method, "https://baton.northwind.example"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if d.flash != nil {
		r.AddCookie(d.flash)
		d.flash = nil
	}
	w := httptest.NewRecorder()
	d.site.Over(http.NotFoundHandler()).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == flashCookie && c.MaxAge > 0 {
			d.flash = c
		}
	}
	return w
}

// get returns a page, which must be there.
func (d *desk) get(path string) string {
	d.Helper()
	w := d.do("GET", path, "", nil)
	if w.Code != http.StatusOK {
		d.Fatalf("GET %s: %d %s %s", path, w.Code, w.Header().Get("Location"), w.Body)
	}
	return w.Body.String()
}

// post sends a form and returns where it leads to.
func (d *desk) post(path string, form url.Values) string {
	d.Helper()
	w := d.do("POST", path, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if w.Code != http.StatusSeeOther {
		d.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// send sends a file.
func (d *desk) send(name, text string) *httptest.ResponseRecorder {
	d.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		d.Fatal(err)
	}
	return d.do("POST", "/imports", form.FormDataContentType(), b.Bytes())
}

// over waits until nothing is imported.
func (d *desk) over() {
	d.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if d.site.API.Importing().What == "" {
			return
		}
		d.site.feed.look() // something to do in between
	}
	d.Fatal("it goes on and on")
}

func (d *desk) has(page string, texts ...string) {
	d.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			d.Errorf("no %q in %s", text, regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`(?s)^.*<main|<[^>]*>`).ReplaceAllString(page, " "), " "))
		}
	}
}

const fairFile = "Contact;E-Mail;Job title;Country;Employees;Created\r\n" +
	"1;ann@acme.example;Head of operations;SE;400;13/02/2026\r\n" +
	"2;bo@acme.example;Buyer;Sweden;80;14/02/2026\r\n" +
	"3;cy@lumen.example;=1+1;DE;lots;31/02/2026\r\n" +
	"4;nobody;;DE;;15/02/2026\r\n"

// The whole way as somebody without scripts goes it: send a file with bad rows, say what its columns mean, look, check, import, take the bad
// rows, mend them, send them again, and undo it all.
func TestAFileIsBroughtInAndTakenBack(t *testing.T) {
	s := testSite(t)
	d := s.desk(t, RoleMarketing)
	d.has(d.get("/imports"), "Nothing was imported yet", "Up to 100 MB", `enctype="multipart/form-data"`)
	sent := d.send("Trade fair.csv", fairFile)
	up := sent.Header().Get("Location")
	if sent.Code != 303 || !strings.HasPrefix(up, "/uploads/") {
		t.Fatalf("%d %s", sent.Code, sent.Body)
	}
	d.has(d.get("/imports"), "Trade_fair.csv", "Say what its columns mean")
	page := d.get(up)
	d.has(page, "ann@acme.example", "separated by semicolon", `<option value="email" selected>`, `<option value="at" selected>`, "05/03/2026 is 5 March", "Check the whole file", "Head of operations")
	// Somebody says what it is without scripts, looks at it, and goes on.
	form := url.Values{"name": {"fair"}, "c0": {"key"}, "c1": {"email"}, "c2": {"attribute:title"}, "c4": {"attribute:company.employees"}, "c5": {"at"}, "l5": {"DD/MM/YYYY"},
		"activity": {"content_downloaded"}, "from_email": {"yes"}, "do": {"preview"}}
	if at := d.post(up, form); at != up {
		t.Errorf("to %s", at)
	}
	page = d.get(up)
	d.has(page, "Content downloaded", "4 rows", "2 rows of these would be refused", "has no @", `value="fair"`)
	if part := d.do("POST", up+"/preview", "application/x-www-form-urlencoded", []byte(form.Encode())); part.Code != 200 || strings.Contains(part.Body.String(), "<html") || !strings.Contains(part.Body.String(), `id="mapping"`) {
		t.Errorf("%d %s", part.Code, part.Body)
	}
	form.Set("c1", "")
	form.Set("do", "check")
	if at := d.post(up, form); at != up {
		t.Errorf("checked without anybody it is about: %s", at)
	}
	d.has(d.get(up), "Say whom a row is about")
	form.Set("c1", "email")
	if at := d.post(up, form); at != up+"/check" {
		t.Errorf("to %s", at)
	}
	d.over()
	page = d.get(up + "/check")
	d.has(page, "2 of 4 rows can be imported", "new leads", "2 rows would be refused", "is not a date written DD/MM/YYYY", "Import 2 rows", "13 February 2026 to 14 February 2026", "Download them")
	d.has(d.get("/imports"), "Checked, ready to import")
	if rows := readCSV(t, d.get(up+"/refused.csv")); len(rows) != 3 || rows[1][0] != "4" {
		t.Error(rows)
	}
	if list, _ := s.Store.Imports(t.Context()); len(list) != 0 {
		t.Errorf("looking has changed something: %v", list)
	}

	at := d.post(up+"/import", nil)
	d.over()
	page = d.get(at)
	d.has(page, "2 rows imported, 2 refused", "Undo this import", "fair", "admin@northwind.example", "Download them")
	if w := d.do("GET", up, "", nil); w.Header().Get("Location") != at {
		t.Errorf("the file leads to %q", w.Header().Get("Location"))
	}
	if kept, err := s.Store.HasFile(t.Context(), store.UploadedFile, 1); kept || err != nil {
		t.Errorf("the file is kept: %v", err)
	}

	// The bad rows are mended as they are downloaded, and mapped as before without a word.
	refused := d.get(at + "/refused.csv")
	rows := readCSV(t, refused)
	if len(rows) != 3 || rows[1][5] != "'=1+1" || rows[1][1] != "Employees, Created" && rows[1][1] != "Created, Employees" {
		t.Fatal(rows)
	}
	mended := strings.NewReplacer("lots", "70", "31/02/2026", "28/02/2026", "nobody", "di@lumen.example").Replace(refused)
	again := d.send("Trade_fair-refused.csv", mended).Header().Get("Location")
	d.has(d.get(again), "has the columns of an earlier file", "di@lumen.example", "=1+1", `<option value="attribute:title" selected>`)
	d.post(again, asItIs(t, d.get(again)))
	d.over()
	d.has(d.get(again+"/check"), "All 2 rows can be imported", "Import 2 rows")
	second := d.post(again+"/import", nil)
	d.over()
	d.has(d.get(second), "2 rows imported")

	// What is there is known.
	third := d.send("Trade fair.csv", fairFile).Header().Get("Location")
	d.post(third, asItIs(t, d.get(third)))
	d.over()
	d.has(d.get(third+"/check"), "leads known already")
	if got := d.post(third+"/remove", nil); got != "/imports" {
		t.Errorf("to %s", got)
	}
	d.has(d.get("/imports"), "is removed, with all that was in it", "Trade_fair-refused.csv", "Done")
	if w := d.do("GET", third, "", nil); w.Code != 404 || !strings.Contains(w.Body.String(), "not kept any more") {
		t.Errorf("removed: %d", w.Code)
	}

	// Undone, with a question before.
	d.has(d.get(at+"/undo"), "Take back “Trade_fair.csv”", "Leads and companies that nothing else is known of disappear", "4 entries from 2 rows")
	if got := d.post(at+"/undo", nil); got != at {
		t.Errorf("to %s", got)
	}
	d.over()
	d.has(d.get(at), "It was undone", "Undone")
	if got := d.post(at+"/undo", nil); got != at {
		t.Errorf("to %s", got)
	}
	d.has(d.get(at), "is undone already")
	audit, err := s.Store.Audits(t.Context(), store.AuditFilter{}, 50)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, a := range audit {
		said = append(said, fmt.Sprint(a.Actor, " ", a.Action, " ", a.Subject))
	}
	for _, want := range []string{"sent a file to import Trade_fair.csv", "imported a file import 1", "exported import 1", "undid an import import 1", "removed a file that was sent Trade_fair.csv"} {
		if !strings.Contains(strings.Join(said, "\n"), "admin@northwind.example "+want) {
			t.Errorf("not on record: %s\n%s", want, strings.Join(said, "\n"))
		}
	}
}

// asItIs is what a browser sends that changes nothing and asks for a check.
func asItIs(t *testing.T, page string) url.Values {
	t.Helper()
	form := url.Values{"do": {"check"}}
	for _, m := range regexp.MustCompile(`(?s)<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>`).FindAllStringSubmatch(page, -1) {
		if chosen := regexp.MustCompile(`<option value="([^"]*)" selected`).FindStringSubmatch(m[2]); chosen != nil {
			form.Set(m[1], chosen[1])
		}
	}
	for _, m := range regexp.MustCompile(`<input[^>]* name="([^"]*)"[^>]* value="([^"]*)"([^>]*)>`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[0], `type="checkbox"`) && !strings.Contains(m[0], `type="radio"`) || strings.Contains(m[3], "checked") {
			form.Set(m[1], m[2])
		}
	}
	return form
}

func readCSV(t *testing.T, text string) [][]string {
	t.Helper()
	text, ok := strings.CutPrefix(text, "\xef\xbb\xbf")
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || !ok {
		t.Fatal(err, text)
	}
	return rows
}

// What is sent that is no CSV file is told kindly, where it was sent, and nothing is kept.
func TestWhatIsNoFileToImport(t *testing.T) {
	s := testSite(t)
	s.API.MostUpload = 1 << 20
	d := s.desk(t, RoleRevOps)
	for _, c := range []struct{ name, text, want string }{
		{"leads.xlsx", "PK\x03\x04rest", "a workbook of a spreadsheet"},
		{"leads.csv", "", "The file is empty"},
		{"leads.csv", strings.Repeat("a,b\n", 300_000), "at most 1 MB here"},
	} {
		w := d.send(c.name, c.text)
		if w.Code != 422 {
			t.Errorf("%s: %d", c.name, w.Code)
		}
		if c.want != "The file is empty" {
			d.has(w.Body.String(), c.want, c.name)
		}
	}
	if w := d.do("POST", "/imports", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--x--\r\n")); w.Code != 422 || !strings.Contains(w.Body.String(), "Choose a file first") {
		t.Errorf("no file: %d", w.Code)
	}
	if w := d.do("POST", "/imports", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na,b\n1")); w.Code != 422 && w.Code != 400 {
		t.Errorf("half a file: %d", w.Code)
	}
	if list, err := s.Store.Uploads(t.Context(), 0); len(list) != 0 || err != nil {
		t.Error(list, err)
	}
}

// An import that a server left in the middle goes on from its page, under its number, and nothing counts twice.
func TestAnImportThatStoppedGoesOn(t *testing.T) {
	s := testSite(t)
	d := s.desk(t, RoleRevOps)
	const text = "E-Mail\na@acme.example\nb@acme.example\n"
	up := d.send("who.csv", text).Header().Get("Location")
	d.post(up, asItIs(t, d.get(up)))
	d.over()
	u, err := s.API.UploadOf(t.Context(), 1)
	if err != nil || u.Told == nil {
		t.Fatalf("%+v %v", u, err)
	}
	path := filepath.Join(t.TempDir(), "who.csv")
	hash := sha256.New()
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o644), imports.Hash(hash, path, u.Choices.Mapping(u.Look, s.API.Plan()))); err != nil {
		t.Fatal(err)
	}
	im, err := s.Store.StartImport(t.Context(), store.Import{Name: "who", File: "who.csv", Hash: hex.EncodeToString(hash.Sum(nil)), StartedAt: 1, Rows: 2})
	if err == nil {
		err = s.Store.TakeUpload(t.Context(), u.Upload, im.ID, 1)
	}
	if err == nil {
		err = s.Store.StopImports(t.Context()) // as a server does when it starts
	}
	if err != nil {
		t.Fatal(err)
	}
	at := importURL(im.ID, "")
	d.has(d.get(at), "It stopped in the middle", "Go on from there")
	if got := d.post(at+"/resume", nil); got != at {
		t.Errorf("to %s", got)
	}
	d.over()
	d.has(d.get(at), "2 rows imported", "Done")
	if got := d.post(at+"/resume", nil); got != at { // there is nothing to go on with
		t.Errorf("to %s", got)
	}
	if list, err := s.Store.Imports(t.Context()); len(list) != 1 || list[0].Arrivals != 2 || err != nil {
		t.Errorf("%+v %v", list, err)
	}
}

// A mapping written as text counts as it is; one that brings members of the team is for those who run the team.
func TestMappingAsText(t *testing.T) {
	s := testSite(t)
	d := s.desk(t, RoleMarketing)
	up := d.send("team.csv", "mail,team\nnew@northwind.example,sales\n").Header().Get("Location")
	form := url.Values{"own": {"yes"}, "text": {"import: team\r\nmember: {email: mail, side: {column: team}}\r\n"}, "do": {"check"}}
	if at := d.post(up, form); at != up {
		t.Errorf("marketing brings members: %s", at)
	}
	d.has(d.get(up), "for those who run the team")
	other := s.desk(t, RoleRevOps)
	if at := other.post(up, form); at != up+"/check" {
		t.Errorf("to %s", at)
	}
	other.over()
	other.has(other.get(up+"/check"), "member of the team", "Import 1 row")
	if w := d.do("POST", up+"/import", "application/x-www-form-urlencoded", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != up {
		t.Errorf("marketing imports what others checked: %d %s", w.Code, w.Header().Get("Location"))
	}
	form.Set("text", "import: team\nperson: {email: nothing}\n")
	other.post(up, form)
	other.has(other.get(up), "no column", "nothing")
	form.Set("text", "import: [")
	other.post(up, form)
	other.has(other.get(up), "Line 1 of the text")
}
