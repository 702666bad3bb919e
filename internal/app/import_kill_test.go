//go:build unix

package app

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"baton/internal/pgtest"
)

// fairForm is what the columns of a rowsFile become.
const fairForm = "name=people&c0=key&c1=email&c2=attribute%3Aname&c3=company&c4=attribute%3Atitle&c5=attribute%3Acountry&c6=at&l6=DD%2FMM%2FYYYY&known=import&do=check"

// begin sends a file, says what its columns mean, and has it imported. It returns the address of the import.
func (p *clerk) begin(rows int) string {
	p.Helper()
	up := p.send("people.csv", &rowsFile{rows: rows})
	if to := p.post(up, fairForm); to != up+"/check" {
		p.Fatalf("to %s: %s", to, pageWords(p.get(up)))
	}
	p.until(up+"/check", "rows can be imported")
	to := p.post(up+"/import", "")
	for to == up+"/check" { // it is still being read
		if _, next, _, err := p.do("GET", up+"/check", "", nil); err != nil {
			p.Fatal(err)
		} else if next != "" {
			to = next
		}
		<-time.After(20 * time.Millisecond)
	}
	return to
}

// amid waits until a page says "12 of 34" with some of it done but not nearly all, and reports whether it came to that.
func (p *clerk) amid(path, over string) bool {
	p.Helper()
	for {
		page := pageWords(p.get(path))
		if strings.Contains(page, over) {
			return false
		}
		if m := regexp.MustCompile(`([0-9,]+) of ([0-9,]+)`).FindStringSubmatch(page); m != nil {
			done, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
			all, _ := strconv.Atoi(strings.ReplaceAll(m[2], ",", ""))
			if done > all/20 {
				return true
			}
		}
	}
}

// A server killed in the middle of an import says where it stopped, goes on from there, and has nothing twice; killed while it undoes that,
// it says so, and undoes the rest.
func TestKilledServerGoesOnWithAnImport(t *testing.T) {
	killImport(t, filepath.Join(t.TempDir(), "baton.db"), soak(3_000, 60_000))
}

func TestKilledServerGoesOnWithAnImportOnPostgreSQL(t *testing.T) {
	killImport(t, pgtest.Database(t), soak(8_000, 20_000))
}

func killImport(t *testing.T, db string, rows int) {
	furnish(t, db, time.Now())
	var server *child
	var p *clerk
	start := func() {
		t.Helper()
		if server != nil {
			server.kill(t)
		}
		server = launch(t, db, childViewers+"=1")
		p = someone(t, server.address, "revops")
	}
	start()
	good, bad := rows-rows/100, rows/100
	at := p.begin(rows)
	var kills int
	for n := 0; n < 3 && p.amid(at, "imported,"); n++ {
		start()
		page := p.until(at, "It stopped in the middle", "imported,")
		if strings.Contains(page, "imported,") { // it came to its end just before
			break
		}
		kills++
		if !strings.Contains(page, "Go on from there") || !strings.Contains(page, "Undo this import") {
			t.Errorf("it does not say how to go on: %s", page)
		}
		if to := p.post(at+"/resume", ""); to != at {
			t.Fatalf("to %s", to)
		}
	}
	p.until(at, grouped(good)+" rows imported, "+grouped(bad)+" refused")
	counts := func(leads, inputs int) {
		t.Helper()
		b := look(t, db)
		b.expect(`SELECT count(*) FROM lead WHERE email LIKE 'person%'`, strconv.Itoa(leads))
		b.expect(`SELECT count(*) FROM input WHERE import = 1`, strconv.Itoa(inputs))
		b.expect(`SELECT count(*) FROM import`, "1")
	}
	server.stop(t)
	counts(good, good)
	server = nil
	start()

	// the same for undoing it
	p.post(at+"/undo", "")
	for n := 0; n < 2 && p.amid(at, "It was undone"); n++ {
		start()
		page := p.until(at, "It is undone in part", "It was undone")
		if strings.Contains(page, "It was undone") {
			break
		}
		kills++
		if !strings.Contains(page, "Undo the rest") {
			t.Errorf("it does not say how to go on: %s", page)
		}
		p.post(at+"/undo", "")
	}
	p.until(at, "It was undone")
	if kills < 2 {
		t.Errorf("it was killed in the middle %d times: the file is too small", kills)
	}
	server.stop(t)
	look(t, db).expect(`SELECT count(*) FROM lead WHERE email LIKE 'person%'`, "0")
	look(t, db).expect(`SELECT count(*) FROM account`, "0")
	sound(t, db, nil)
}

// Somebody has a file imported on the pages, watches, stops it, has it go on, takes out what was refused, and undoes it all: without
// loading a page anew.
func TestAnImportIsWatched(t *testing.T) {
	l := servePages(t)
	p := someone(t, l.address, "revops")
	p.TB = t
	rows := soak(50_000, 100_000) // some seconds
	up := p.send("people.csv", &rowsFile{rows: rows})
	if to := p.post(up, fairForm); to != up+"/check" {
		t.Fatalf("to %s: %s", to, pageWords(p.get(up)))
	}
	p.until(up+"/check", "rows can be imported")
	b := l.tab(t, "revops", up+"/check")
	const says = "document.querySelector('#main').innerText.includes"
	const mark = "window.same = true; window.seen = new Set(); new MutationObserver(() => { const m = document.querySelector('#main').innerText.match(/[0-9,]+ of [0-9,]+/); if (m) window.seen.add(m[0]) }).observe(document.body, {subtree: true, childList: true, characterData: true}); true"
	press := func(words string) {
		t.Helper()
		if !eval[bool](b, `(() => { const x = [...document.querySelectorAll('main button, main a.btn')].find(x => x.innerText.includes("`+words+`")); if (x) x.click(); return !!x })()`) {
			t.Fatalf("there is nothing to press that says %q: %s", words, eval[string](b, "document.querySelector('#main').innerText"))
		}
	}
	press("Import ")
	b.until(says + "('It is being taken in')")
	eval[bool](b, mark)
	b.until("window.seen.size > 0") // by itself
	press("Stop the import")
	b.until(says + "('It stopped in the middle')")
	before := eval[string](b, "document.querySelector('#main').innerText")
	press("Go on from there")
	b.until(says + "('It is being taken in')")
	eval[bool](b, mark)
	b.until(says + "(' rows imported, ')")
	if !eval[bool](b, "window.same === true") {
		t.Error("the page was loaded anew")
	}
	good := grouped(rows - rows/100)
	if text := eval[string](b, "document.querySelector('#main').innerText"); !strings.Contains(text, good+" rows imported, "+grouped(rows/100)+" refused") {
		t.Errorf("before: %s\nat the end: %s", before, text)
	}
	href := eval[string](b, "document.querySelector('main a[href$=\"refused.csv\"]').getAttribute('href')")
	if csv := p.get(href); strings.Count(csv, "\n") != rows/100+1 {
		t.Errorf("%d lines of refused rows", strings.Count(csv, "\n"))
	}
	press("Undo this import")
	b.until(says + "('Take back')")
	press("Undo the import")
	b.until(says + "('It is being undone') || " + says + "('It was undone')")
	b.until(says + "('It was undone')")
}
