package api

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"baton/internal/engine"
)

const crmMapping = `import: crm
key: id
zone: Europe/Stockholm
at: {column: created, layout: YYYY-MM-DD}
person:
  email: email
origin: marketing
attributes:
  name: name
  country: country
activity:
  name: form_submitted
`

func crmRows(n int) string {
	var b strings.Builder
	b.WriteString("id,created,email,name,country\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,2026-10-%02d,lead%d@crm.example,Lead %d,SE\n", i, 1+i%28, i, i)
	}
	return b.String() + "bad,yesterday,x@crm.example,X,SE\n"
}

// upload is a body of multipart/form-data.
func upload(t testing.TB, parts ...string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		part, err := w.CreateFormFile(parts[i], "../../"+parts[i]+".csv")
		if err == nil {
			_, err = part.Write([]byte(parts[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// over waits until nothing is imported.
func (d *desk) over() {
	d.api.files.lock.Lock()
	busy, done := d.api.files.busy.What, d.api.files.done
	d.api.files.lock.Unlock()
	if busy != "" {
		<-done
	}
}

func TestImportOverREST(t *testing.T) {
	d := openDesk(t)
	body, kind := upload(t, "mapping", crmMapping, "file", crmRows(40))
	dry := d.want(200, ScopeWrite, "POST", "/imports?dry_run=true", body, "Content-Type", kind)
	if dry.get("dry_run") != true || dry.get("import") != nil || dry.get("reading.rows") != 41.0 || dry.get("reading.refused") != 1.0 || dry.get("reading.refusals.0.line") != 42.0 ||
		dry.get("reading.new") != 40.0 || dry.get("reading.known") != 0.0 || dry.get("reading.reasons.0.rows") != 1.0 || dry.get("reading.reasons.0.column") != "created" {
		t.Error(dry.Text)
	}
	if list := d.want(200, ScopeRead, "GET", "/imports", nil); list.get("items.0.id") != nil {
		t.Error(list.Text)
	}
	started := d.want(202, ScopeWrite, "POST", "/imports", body, "Content-Type", kind)
	path := strings.TrimPrefix(started.Header.Get("Location"), restPath)
	d.over()
	done := d.want(200, ScopeRead, "GET", path, nil)
	if done.text("state") != "done" || done.get("arrivals") != 80.0 || done.get("refused") != 1.0 || done.get("progress.done") != done.get("progress.total") || done.text("file") != "file.csv" || done.text("name") != "crm" {
		t.Error(done.Text)
	}
	refused := d.want(200, ScopeRead, "GET", path+"/refused", nil)
	if !strings.Contains(refused.Text, "yesterday") || strings.Count(refused.Text, "\n") != 2 {
		t.Error(refused.Text)
	}
	if lead := d.want(200, ScopeRead, "GET", "/leads/lead7@crm.example", nil); lead.text("attributes.country") != "SE" {
		t.Error(lead.Text)
	}
	if again := d.want(200, ScopeWrite, "POST", "/imports?dry_run=true", body, "Content-Type", kind); again.get("reading.new") != 0.0 || again.get("reading.known") != 40.0 {
		t.Error(again.Text)
	}
	// the same again takes nothing in, also as a body of its own
	again := d.want(202, ScopeWrite, "POST", "/imports?name=again.csv&mapping="+url.QueryEscape(crmMapping), crmRows(40), "Content-Type", "text/csv")
	d.over()
	if again.get("import.id") != started.get("import.id") {
		t.Error(again.Text)
	}
	if done := d.want(200, ScopeRead, "GET", path, nil); done.get("arrivals") != 80.0 || done.get("progress.known") != 80.0 {
		t.Error(done.Text)
	}
	undone := d.want(200, ScopeWrite, "POST", path+"/undo", nil)
	if undone.text("state") != "undone" {
		t.Error(undone.Text)
	}
	d.refusal("not-found", ScopeRead, "GET", "/leads/lead7@crm.example", nil)
	d.refusal("conflict", ScopeWrite, "POST", path+"/undo", nil)
}

func TestImportsThatCannotBe(t *testing.T) {
	d := openDesk(t)
	d.api.MostImport = 4000
	good, kind := upload(t, "mapping", crmMapping, "file", crmRows(3))
	for _, c := range []struct{ kind, query, body, media, detail string }{
		{"media-type", "", "{}", "application/json", "multipart"},
		{"invalid", "", crmRows(1), "text/csv", "mapping"},
		{"invalid", "?dry_run=perhaps", good, kind, "dry_run"},
		{"invalid", "?colour=red", good, kind, "colour"},
		{"malformed", "", good[:len(good)-30], kind, ""},
	} {
		if a := d.refusal(c.kind, ScopeWrite, "POST", "/imports"+c.query, c.body, "Content-Type", c.media); !strings.Contains(a.text("detail"), c.detail) {
			t.Error(a.Text)
		}
	}
	for _, c := range []struct {
		kind, detail string
		parts        []string
	}{
		{"invalid", "both", []string{"mapping", crmMapping}},
		{"invalid", "colour", []string{"colour", "red"}},
		{"findings", "", []string{"mapping", "import: [", "file", crmRows(1)}},
		{"findings", "", []string{"mapping", strings.Replace(crmMapping, "country: country", "shoe_size: country", 1), "file", crmRows(1)}},
		{"invalid", "created", []string{"mapping", crmMapping, "file", "a,b\n1,2\n"}},
		{"too-large", "", []string{"mapping", crmMapping, "file", crmRows(100)}},
		{"too-large", "", []string{"mapping", strings.Repeat("#", mostMapping+1), "file", crmRows(1)}},
	} {
		body, kind := upload(t, c.parts...)
		a := d.refusal(c.kind, ScopeWrite, "POST", "/imports", body, "Content-Type", kind)
		if !strings.Contains(a.text("detail"), c.detail) || strings.Contains(a.Text, d.api.files.dir) {
			t.Error(a.Text)
		}
	}
	// one at a time, and none is left behind
	if _, err := d.api.files.begin(t.Context(), ImportBusy{What: "import 7 is running"}); err != nil {
		t.Fatal(err)
	}
	if a := d.refusal("conflict", ScopeWrite, "POST", "/imports", good, "Content-Type", kind); !strings.Contains(a.text("detail"), "import 7") || a.Header.Get("Retry-After") == "" {
		t.Error(a.Text)
	}
	d.api.files.end()
	d.want(202, ScopeWrite, "POST", "/imports", good, "Content-Type", kind)
}

// A server that stops ends an import between two transactions; what was taken in stays.
func TestImportEndsWithTheServer(t *testing.T) {
	d := openDesk(t)
	body, kind := upload(t, "mapping", crmMapping, "file", crmRows(20000))
	started := d.want(202, ScopeWrite, "POST", "/imports", body, "Content-Type", kind)

	if err := d.api.Close(); err != nil {
		t.Fatal(err)
	}
	im, err := d.st.Import(t.Context(), int64(started.get("import.id").(float64)))
	if err != nil || im.State == "running" {
		t.Errorf("%+v %v", im, err)
	}
	if _, err := d.api.files.begin(t.Context(), ImportBusy{What: "late"}); err != engine.ErrClosed {
		t.Errorf("after the end: %v", err)
	}
}
