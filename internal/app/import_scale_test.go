//go:build unix

package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rowsFile is a file of so many rows of about a hundred bytes, made while it is read: people of companies, each a hundredth row one that
// cannot be read.
type rowsFile struct {
	rows, made int
	buf        bytes.Buffer
}

func (f *rowsFile) Read(b []byte) (int, error) {
	if f.made == 0 && f.buf.Len() == 0 {
		f.buf.WriteString("Contact;E-Mail;Name;Company;Job title;Country;Created;Note\r\n")
	}
	for f.buf.Len() < len(b) && f.made < f.rows {
		f.made++
		day, n := 1+f.made%28, f.made
		if n%100 == 0 {
			day = 31 // in February
		}
		fmt.Fprintf(&f.buf, "%d;person%d@company%d.example;Person %d;Company %d;Head of operations;SE;%02d/02/2026;\r\n", n, n, n%5000, n, n%5000, day)
	}
	n, _ := f.buf.Read(b)
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// clerk asks for pages and sends forms as a browser without scripts does.
type clerk struct {
	testing.TB
	http.Client
	address, role string
}

// someone comes to a server with a role.
func someone(t testing.TB, address, role string) *clerk {
	return &clerk{TB: t, address: address, role: role, Client: http.Client{Timeout: 10 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request and returns what is answered, and where that leads to.
func (p *clerk) do(method, path, kind string, body io.Reader) (status int, to, text string, err error) {
	r, err := http.NewRequest(method, "http://"+p.address+path, body)
	if err != nil {
		return 0, "", "", err
	}
	r.AddCookie(&http.Cookie{Name: "as", Value: p.role})
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "text/html")
	res, err := p.Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header.Get("Location"), string(b), err
}

// get returns a page, which has to be there.
func (p *clerk) get(path string) string {
	p.Helper()
	status, _, text, err := p.do("GET", path, "", nil)
	if err != nil || status != 200 {
		p.Fatalf("GET %s: %d %v %.500s", path, status, err, text)
	}
	return text
}

// post sends a form and returns where it leads to.
func (p *clerk) post(path, form string) string {
	p.Helper()
	status, to, text, err := p.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil || status != http.StatusSeeOther {
		p.Fatalf("POST %s: %d %v %.500s", path, status, err, text)
	}
	return to
}

// send sends a file, and returns where that leads to.
func (p *clerk) send(name string, file io.Reader) string {
	p.Helper()
	status, to, text, err := p.upload(name, file)
	if err != nil || status != http.StatusSeeOther {
		p.Fatalf("sending %s: %d %v %.500s", name, status, err, text)
	}
	return to
}

// upload sends a file as its form does.
func (p *clerk) upload(name string, file io.Reader) (status int, to, text string, err error) {
	out, in := io.Pipe()
	form := multipart.NewWriter(in)
	go func() {
		part, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, file)
		}
		in.CloseWithError(errors.Join(err, form.Close()))
	}()
	return p.do("POST", "/imports", form.FormDataContentType(), out)
}

// pageWords are the texts of the main part of a page.
func pageWords(page string) string {
	page = regexp.MustCompile(`(?s)^.*<main|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.TrimSpace(regexp.MustCompile(`\s+`).ReplaceAllString(page, " "))
}

// until asks for a page until it says one of some texts.
func (p *clerk) until(path string, texts ...string) string {
	p.Helper()
	for end := time.Now().Add(20 * time.Minute); ; {
		page := pageWords(p.get(path))
		if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(page, s) }) {
			return page
		}
		if time.Now().After(end) {
			p.Fatalf("%s does not come to say %q: %.2000s", path, texts, page)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// bystander sends something to be tracked, again and again, and opens a page, while others do what they do.
type bystander struct {
	lock   sync.Mutex
	waits  map[string][]time.Duration
	err    error
	halt   chan struct{}
	halted sync.WaitGroup
}

func stand(t testing.TB, address, key string) *bystander {
	b := &bystander{waits: map[string][]time.Duration{}, halt: make(chan struct{})}
	run := func(what string, ask func(n int) (int, error)) {
		b.halted.Go(func() {
			for n := 0; ; n++ {
				began := time.Now()
				status, err := ask(n)
				took := time.Since(began)
				b.lock.Lock()
				b.waits[what] = append(b.waits[what], took)
				if err == nil && status != 200 {
					err = fmt.Errorf("%s: status %d", what, status)
				}
				b.err = errors.Join(b.err, err)
				b.lock.Unlock()
				select {
				case <-b.halt:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	client := &http.Client{Timeout: time.Minute}
	run("track", func(n int) (int, error) {
		return post(client, "http://"+address+"/v1/track", fmt.Sprintf(`{"writeKey":%q,"userId":"bystander%d","event":"Demo Requested","messageId":"b%d"}`, key, n%20, n))
	})
	p := someone(t, address, "rep")
	run("page", func(int) (int, error) {
		status, _, _, err := p.do("GET", "/leads", "", nil)
		return status, err
	})
	return b
}

// seen says how long was waited for answers since it was last asked, and returns the longest for one to be tracked.
func (b *bystander) seen() (text string, worst time.Duration) {
	b.lock.Lock()
	defer b.lock.Unlock()
	for _, what := range []string{"track", "page"} {
		list := b.waits[what]
		if len(list) == 0 {
			continue
		}
		slices.Sort(list)
		text += fmt.Sprintf("; %d × %s: median %s, 99%% %s, longest %s", len(list), what, list[len(list)/2].Round(time.Millisecond), list[len(list)*99/100].Round(time.Millisecond), list[len(list)-1].Round(time.Millisecond))
		if what == "track" {
			worst = list[len(list)-1]
		}
		b.waits[what] = nil
	}
	return text, worst
}

// stop ends it.
func (b *bystander) stop(t testing.TB) {
	t.Helper()
	close(b.halt)
	b.halted.Wait()
	if b.err != nil {
		t.Error(b.err)
	}
}

// mostImporting is how much memory a server may need that takes in a million rows, in bytes, and longestWait how long somebody may wait
// for an answer meanwhile who wants something else: the machine may be busy with other things as well.
const (
	mostImporting = 512 << 20
	longestWait   = 20 * time.Second
)

// A large file goes its whole way over the pages, and back, with memory that does not grow with it, while others are served. Under `make
// soak` it has 100 MB.
func TestLargeFileOverThePages(t *testing.T) {
	rows := soak(5_000, 1_000_000)
	db := filepath.Join(t.TempDir(), "baton.db")
	key := furnish(t, db, time.Now())
	server := launch(t, db, childViewers+"=1")
	p, others := someone(t, server.address, "revops"), stand(t, server.address, key)
	began := time.Now()
	phase := func(what string) {
		t.Helper()
		seen, worst := others.seen()
		most, known := (&fort{child: server, t: t}).memory()
		t.Logf("%s: %s, at most %d MB%s", what, time.Since(began).Round(time.Millisecond), most>>20, seen)
		if worst > longestWait {
			t.Errorf("%s: somebody waited %s for an answer", what, worst)
		}
		if known && most > mostImporting && !racing {
			t.Errorf("%s: it needed %d MB of memory, and may have %d", what, most>>20, mostImporting>>20)
		}
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", server.Process.Pid), []byte("5"), 0) // the next has a maximum of its own
		began = time.Now()
	}
	up := p.send("people.csv", &rowsFile{rows: rows})
	phase("sent and looked at")
	if page := p.get(up); !strings.Contains(page, "person1@company1.example") || !strings.Contains(page, `<option value="at" selected>`) {
		t.Error(pageWords(page))
	}
	phase("preview")
	form := fairForm
	if to := p.post(up, form); to != up+"/check" {
		t.Fatalf("to %s: %s", to, pageWords(p.get(up)))
	}
	good, bad := grouped(rows-rows/100), grouped(rows/100)
	p.until(up+"/check", good+" of "+grouped(rows)+" rows can be imported")
	phase("checked")
	to := p.post(up+"/import", "")
	for to == up+"/check" { // it is still being read
		if _, next, _, err := p.do("GET", up+"/check", "", nil); err != nil {
			t.Fatal(err)
		} else if next != "" {
			to = next
		}
		<-time.After(50 * time.Millisecond)
	}
	p.until(to, good+" rows imported, "+bad+" refused")
	phase("imported")
	if _, _, csv, err := p.do("GET", to+"/refused.csv", "", nil); err != nil || strings.Count(csv, "\n") != rows/100+1 {
		t.Errorf("%d lines of refused rows, %v", strings.Count(csv, "\n"), err)
	}
	p.post(to+"/undo", "")
	p.until(to, "It was undone")
	phase("undone")
	others.stop(t)
	server.stop(t)
	b := look(t, db)
	b.expect(`SELECT count(*) FROM lead WHERE email LIKE 'person%'`, "0")
	b.expect(`SELECT count(*) FROM account`, "0")
	b.expect(`SELECT count(*) FROM key WHERE value LIKE 'person%'`, "0")
}

// grouped is a number as pages have it.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
