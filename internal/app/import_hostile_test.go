//go:build unix

package app

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf16"
)

// again is a text so many times, as it is read.
func again(text string, times int) io.Reader {
	return io.MultiReader(blocks(text, times)...)
}

func blocks(text string, times int) []io.Reader {
	const block = 1 << 20
	if len(text)*times <= block {
		return []io.Reader{strings.NewReader(strings.Repeat(text, times))}
	}
	each := max(1, block/len(text))
	whole := strings.Repeat(text, each)
	var list []io.Reader
	for ; times > each; times -= each {
		list = append(list, strings.NewReader(whole))
	}
	return append(list, strings.NewReader(strings.Repeat(text, times)))
}

// wide is a text in UTF-16.
func wide(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// zipped is a file that unpacks to so many megabytes.
func zipped(megabytes int) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for range megabytes {
		w.Write(make([]byte, 1<<20))
	}
	w.Close()
	return b.String()
}

// Files that nobody would want, over the pages and over REST: what can be taken in is, each row that cannot is refused with its line and column,
// and what is no table at all is told; memory stays bounded, and nothing is half kept.
func TestHostileFiles(t *testing.T) {
	temp := t.TempDir()
	f := besiege(t, childViewers+"=1", childBrisk+"=", "TMPDIR="+temp) // not in haste: a check is waited for
	p := someone(t, f.address, "revops")
	const head = "mail,name,day\n"
	const good = "a@a.example,A,2026-01-02\n"
	columns := func(n int, name string) string {
		var b strings.Builder
		b.WriteString("mail,day")
		for i := range n - 2 {
			fmt.Fprintf(&b, ",%s%d", name, i)
		}
		return b.String() + "\n"
	}
	for _, c := range []struct {
		name    string
		file    func() io.Reader
		no      string // why it is no file to import, "" if it is one
		mapped  int
		refused []string // line, column and reason of the first rows that are
	}{
		{"NUL in a row", text(head + good + "b@a.example,B\x00,2026-01-02\n"), "", 1, []string{"3 name the row holds a NUL byte"}},
		{"nothing but NUL", func() io.Reader { return again("\x00", 5<<20) }, "line 1: reading the header", 0, nil},
		{"one line of 50 MB", func() io.Reader { return again("x", 50<<20) }, "line 1: reading the header", 0, nil},
		{"a row of 50 MB", func() io.Reader {
			return io.MultiReader(strings.NewReader(head+good+"b@a.example,"), again("x", 50<<20), strings.NewReader("\n"+good))
		}, "", 2, []string{"3 name a field is longer than 1 MiB"}},
		{"a row of 50 MB of separators", func() io.Reader {
			return io.MultiReader(strings.NewReader(head+good), again(",", 50<<20), strings.NewReader("\n"+good))
		}, "", 2, []string{"3  the row has more than 16,384 fields"}},
		{"a quote that is never closed", text(head + good + "b@a.example,\"B,2026-01-02\n" + good), "", 2, []string{"3 name a quote is opened and never closed"}},
		{"50 MB after a quote that is never closed", func() io.Reader {
			return io.MultiReader(strings.NewReader(head+good+"b@a.example,\"B\n"), again("a line without an end to the quote\n", 1_400_000))
		}, "", 1, []string{"3 name a field is longer than 1 MiB, or a quote is never closed"}},
		{"quotes alone", func() io.Reader { return again(`"`, 8<<20) }, "line 1: reading the header", 0, nil},
		{"UTF-16", text(wide(head + good + "b@a.example,Ö,2026-01-02\n")), "", 2, nil},
		{"half a letter of UTF-16", text(wide(head+good) + "\x00"), "", 1, []string{"3"}},
		{"half a pair in UTF-16", text(wide(head+good) + "b\x00\x00\xd8,\x00,\x00\n\x00"), "", 1, []string{"3 mail the row holds bytes that do not exist"}},
		{"bytes that are no text", text(head + good + "ö@a.example,ö,2026-01-02\nb@a.example,\xff\xfe,2026-01-02\n"), "", 2, []string{"4 name the row holds bytes that are not UTF-8"}},
		{"packed", text(zipped(300)), "it is packed (.gz)", 0, nil},
		{"a row of 3 MB of separators", func() io.Reader {
			return io.MultiReader(strings.NewReader(head+good), again(",", 3<<20), strings.NewReader("\n"+good))
		}, "", 2, []string{"3  the row has more than 16,384 fields"}},
		{"10,000 columns", text(columns(10_000, "c") + strings.Repeat("x,", 9_999) + "x\n"), "the file has 10000 columns", 0, nil},
		{"a header of 4 MB", func() io.Reader { return strings.NewReader(columns(380_000, "c")) }, "line 1: reading the header, the row with the names of the columns: the row has more than 16,384 fields", 0, nil},
		{"a header of one name of 2 MB", func() io.Reader { return io.MultiReader(again("x", 2<<20), strings.NewReader("\n1\n")) }, "line 1: reading the header", 0, nil},
		{"names that stand twice", text("mail,name,name,day,,\na@a.example,A,B,2026-01-02,,\n"), "", 1, nil},
		{"names that are no names", text("mail,<script>alert(1)</script>,\"=cmd()\",day\na@a.example,1,2,2026-01-02\n"), "", 1, nil},
		{"a header alone", text(head), "", 0, nil},
		{"commas alone", text(",,,\n,,,\n"), "", 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.TB = t
			// over REST
			var b bytes.Buffer
			form := multipart.NewWriter(&b)
			part, err := form.CreateFormField("mapping")
			if err == nil {
				_, err = io.WriteString(part, "import: x\nzone: UTC\nat: {column: day, layout: YYYY-MM-DD}\nperson: {email: mail}\n")
			}
			if err == nil {
				part, err = form.CreateFormFile("file", "x.csv")
			}
			if err == nil {
				_, err = io.Copy(part, c.file())
			}
			if err = errors.Join(err, form.Close()); err != nil {
				t.Fatal(err)
			}
			r, _ := http.NewRequest("POST", "http://"+f.address+"/api/v1/imports?dry_run=true", &b)
			r.Header.Set("Content-Type", form.FormDataContentType())
			name, value, _ := strings.Cut(strings.TrimSpace(f.desk), ": ")
			r.Header.Set(name, value)
			res, err := p.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			var out struct {
				Detail  string
				Reading struct {
					Mapped   int
					Refusals []struct {
						Line           int
						Column, Reason string
					}
				}
			}
			answer, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err = errors.Join(err, json.Unmarshal(answer, &out)); err != nil || res.StatusCode >= 500 {
				t.Fatalf("%d %v %.500s", res.StatusCode, err, answer)
			}
			if strings.Contains(string(answer), temp) {
				t.Errorf("it tells where files lie: %.500s", answer)
			}
			unread := c.no != "" && !strings.Contains(c.no, "10000 columns") || c.name == "commas alone" // how many columns are too many is for eyes
			if unread && (res.StatusCode != 422 && res.StatusCode != 400 || c.no != "" && !strings.Contains(out.Detail, c.no)) || !unread && c.no == "" && (res.StatusCode != 200 || out.Reading.Mapped != c.mapped) {
				t.Errorf("%d %.1000s", res.StatusCode, answer)
			}
			for i, want := range c.refused {
				if i >= len(out.Reading.Refusals) {
					t.Errorf("%q is not refused: %.500s", want, answer)
				} else if at := out.Reading.Refusals[i]; !strings.HasPrefix(fmt.Sprint(at.Line, " ", at.Column, " ", at.Reason), want) {
					t.Errorf("refused as %v, want %q", at, want)
				}
			}

			// over the pages
			status, to, page, err := p.upload("x.csv", c.file())
			if err != nil {
				t.Fatal(err)
			}
			if c.no != "" {
				if status != 422 || !strings.Contains(html.UnescapeString(page), c.no) {
					t.Errorf("%d %.1000s", status, pageWords(page))
				}
				return
			}
			if status != 303 {
				t.Fatalf("%d %.500s", status, pageWords(page))
			}
			if page := p.get(to); strings.Contains(page, "<script>alert") {
				t.Error("what is in the file is part of the page")
			}
			fields := url.Values{"own": {"yes"}, "do": {"check"}, "text": {"import: x\nzone: UTC\nat: {column: day, layout: YYYY-MM-DD}\nperson: {email: mail}\n"}}
			if at := p.post(to, fields.Encode()); at != to+"/check" && c.name != "commas alone" {
				t.Errorf("to %s: %.500s", at, pageWords(p.get(to)))
			} else if at == to+"/check" {
				words := map[bool]string{true: "The file has no rows", false: "can be imported"}[c.mapped == 0]
				p.until(at, words)
			}
			p.post(to+"/remove", "")
		})
	}

	// forms that are none, and lengths that are lies
	const kind = "Content-Type: multipart/form-data; boundary=x"
	const part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\n" + head + good
	cookie, last := "Cookie: as=revops", "Connection: close"
	refused := []int{400, 411, 413, 415, 422}
	raw := func(length, body string) string {
		return "POST /imports HTTP/1.1\r\nHost: x\r\n" + cookie + "\r\n" + kind + "\r\n" + length + "Connection: close\r\n\r\n" + body
	}
	for _, s := range []shot{
		{"another boundary", f.request("/imports", strings.ReplaceAll(part, "--x", "--y")+"\r\n--y--\r\n", kind, cookie, last), refused},
		{"no boundary", f.request("/imports", part+"\r\n--x--\r\n", "Content-Type: multipart/form-data", cookie, last), refused},
		{"a boundary of 1,000 letters", f.request("/imports", part, kind+strings.Repeat("x", 1000), cookie, last), refused},
		{"no form at all", f.request("/imports", head+good, "Content-Type: text/csv", cookie, last), refused},
		{"without an end", f.request("/imports", part, kind, cookie, last), refused},
		{"an end in the middle of a part", f.request("/imports", part+"\r\n--", kind, cookie, last), refused},
		{"parts of parts", f.request("/imports", strings.ReplaceAll(part, "form-data;", "form-data; name=\"file\"; name=\"other\";"), kind, cookie, last), refused},
		{"100,000 parts", f.request("/imports", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n", 100_000)+"--x--", kind, cookie, last), refused},
		{"a part with a header of 10 MB", f.request("/imports", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\""+strings.Repeat("x", 10<<20), kind, cookie, last), refused},
		{"a name that leads elsewhere", f.request("/imports", strings.Replace(part, "x.csv", "../../../../etc/passwd", 1), kind, cookie, last), refused},
		{"more than was said", raw("Content-Length: 100\r\n", part+"\r\n--x--\r\n"), refused},
		{"more than there may be", raw("Content-Length: 99999999999\r\n", part), refused},
		{"packed", f.request("/imports", packed(part+"\r\n--x--\r\n"), kind, cookie, last, "Content-Encoding: gzip"), refused},
	} {
		f.fire([]shot{s})
	}
	short := f.dial().(*net.TCPConn)
	io.WriteString(short, raw("Content-Length: 90000\r\n", part))
	short.CloseWrite()
	if got, err := answers(short); err != nil || len(got) > 0 && got[0] < 400 {
		t.Errorf("less than was said: %v %v", got, err)
	}
	p.TB = t
	if page := p.get("/imports"); strings.Contains(page, "Not imported yet") || !strings.Contains(page, "Nothing was imported yet") {
		t.Errorf("something is left: %s", pageWords(page))
	}
	b := look(t, f.db)
	b.expect(`SELECT count(*) FROM piece`, "0")
	b.expect(`SELECT count(*) FROM upload`, "0")
	b.expect(`SELECT count(*) FROM import`, "0")
	left, err := os.ReadDir(temp)
	for _, e := range left {
		inside, _ := os.ReadDir(temp + "/" + e.Name())
		if len(inside) > 0 {
			t.Errorf("%s has %v, %v", e.Name(), inside, err)
		}
	}
	f.stored()
}

func text(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
