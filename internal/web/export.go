package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/report"
	"baton/internal/store"
)

// export is a list that a page has, taken out as CSV: at the address of the page with csv=NAME, by whoever may open the page and take lists
// out. It has all rows that the page leads to, and not only those that it shows at once.
type export struct {
	Name  string // of the parameter, and of the file: "leads"
	Words string // "Leads"
	// rows writes the names of the columns, then each row.
	rows func(*ask, *sheet) error
}

// exportParameter is the parameter of an address that asks for a list as CSV.
const exportParameter = "csv"

// sheet is a CSV on its way to a browser. Every text but a plain word is in quotes, and none of them is a formula to a spreadsheet.
type sheet struct {
	*ask
	name string
	buf  bytes.Buffer
	sent bool // something left already: an error can only break the line
}

// sheetPart is how many bytes are sent at once, sheetTime how long a browser may take for them, and sheetPage how many rows are read at once.
const (
	sheetPart = 32 << 10
	sheetTime = 30 * time.Second
	sheetPage = 1000
)

// takeOut hands over a list. It is on record before the first row leaves.
func (a *ask) takeOut(name string) (answer, error) {
	for _, e := range a.route.exports {
		if e.Name == name {
			return e, nil
		}
	}
	return nil, errNotFound
}

func (e export) answer(a *ask) error {
	q := a.URL.Query()
	q.Del(exportParameter)
	q.Del("after")
	a.URL.RawQuery = q.Encode() // a list is taken out from its beginning
	q.Del("q")                  // what somebody searched for is mostly a name, and the audit forgets nothing
	detail := a.URL.Path
	if len(q) > 0 {
		detail += "?" + q.Encode()
	}
	if err := a.site.Store.Did(a.Context(), a.now.UnixMicro(), access.Exported, strings.ToLower(e.Words), detail); err != nil {
		return err
	}
	s := &sheet{ask: a, name: e.Name}
	s.buf.WriteString("\ufeff") // or spreadsheets take it for another alphabet
	if err := e.rows(a, s); err != nil {
		if !s.sent {
			return fmt.Errorf("taking out %s: %w", e.Name, err)
		}
		if a.Context().Err() == nil {
			a.site.Log.ErrorContext(a.Context(), "a list broke off while it was taken out", "list", e.Name, "error", err)
		}
		panic(http.ErrAbortHandler) // or the file would seem whole
	}
	return s.send()
}

// send sends what is written.
func (s *sheet) send() error {
	if !s.sent {
		s.sent = true
		h := s.w.Header()
		headers(h)
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(s.name+"-"+s.now.In(s.zone).Format("2006-01-02")+".csv"))
	}
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(sheetTime)) // a recorder of a test has none
	_, err := s.w.Write(s.buf.Bytes())
	s.buf.Reset()
	return err
}

// instant is a cell that says when, in UTC microseconds; 0 and agreement.Never for never.
type instant int64

// row writes a row: texts, figures, instants and whether.
func (s *sheet) row(cells ...any) error {
	for i, c := range cells {
		if i > 0 {
			s.buf.WriteByte(',')
		}
		switch v := c.(type) {
		case nil:
		case string:
			s.text(v)
		case instant:
			if v != 0 && int64(v) != agreement.Never {
				s.text(utcTime(int64(v)))
			}
		case float64:
			s.buf.WriteString(strconv.FormatFloat(v, 'f', -1, 64))
		default: // integers, truths
			fmt.Fprint(&s.buf, v)
		}
	}
	s.buf.WriteString("\r\n")
	if s.buf.Len() >= sheetPart {
		return s.send()
	}
	return nil
}

func (s *sheet) text(v string) {
	if plainWord.MatchString(v) { // and what stands first has no mark before a quote
		s.buf.WriteString(v)
		return
	}
	s.buf.WriteByte('"')
	s.buf.WriteString(strings.ReplaceAll(report.PlainCell(v), `"`, `""`))
	s.buf.WriteByte('"')
}

// plainWord needs no quotes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_]*$`)

func utcTime(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05") }

// exportURL is the address of a list of this page as CSV.
func (a *ask) exportURL(name string) string {
	q := a.URL.Query()
	q.Del("after")
	q.Set(exportParameter, name)
	return a.URL.Path + "?" + q.Encode()
}

// exportsOf are the lists that the viewer may take out of the page at hand.
func (f *frame) exportsOf() []export {
	if f.route == nil || !f.viewer.May(Export) {
		return nil
	}
	return f.route.exports
}

// leadColumns are the columns of a lead in every list of leads.
var leadColumns = []any{"lead", "name", "email", "company", "stage", "side", "outcome", "grade", "fit", "engagement", "readiness", "owner", "queue", "pass", "created_at", "entered_at", "due_at", "revisit_at"}

func leadCells(l *store.ListedLead) []any {
	return []any{l.ID, l.Name, l.Email, l.AccountName, l.Stage, l.Side, l.Outcome, l.Grade, float64(l.Fit) / agreement.Point, float64(l.Engagement) / agreement.Point,
		l.Readiness, l.Owner, l.Queue, l.Pass, instant(l.Created), instant(l.Entered), instant(l.Due), instant(l.Revisit)}
}

// rowsOf writes a list below the names of its columns.
func rowsOf[T any](s *sheet, columns []any, list []T, cells func(*T) []any) error {
	return pagesOf(s, columns, func(after int64) ([]T, error) {
		if after != 0 {
			return nil, nil
		}
		return list, nil
	}, func(one *T) (int64, []any) { return 1, cells(one) })
}

// pagesOf writes a list that is read a page after the other, sheetPage rows each: what comes after the ID of a row, 0 for the beginning.
func pagesOf[T any](s *sheet, columns []any, read func(after int64) ([]T, error), cells func(*T) (id int64, cells []any)) error {
	if err := s.row(columns...); err != nil {
		return err
	}
	for after := int64(0); ; {
		list, err := read(after)
		if err != nil {
			return err
		}
		for i := range list {
			id, row := cells(&list[i])
			if err := s.row(row...); err != nil {
				return err
			}
			after = id
		}
		if len(list) < sheetPage {
			return nil
		}
	}
}

// leadRows writes the leads that a filter lets through.
func (s *sheet) leadRows(f store.LeadFilter) error {
	return pagesOf(s, leadColumns, func(after int64) ([]store.ListedLead, error) {
		return s.site.Store.ListLeads(s.Context(), f, after, sheetPage)
	}, func(l *store.ListedLead) (int64, []any) { return l.ID, leadCells(l) })
}

// The lists of the pages of work.
var (
	myExports = []export{{"leads", "My leads", func(a *ask, s *sheet) error {
		underWay := ""
		return s.leadRows(store.LeadFilter{Owner: a.viewer.Email, Outcome: &underWay})
	}}}
	queueExports   = []export{{"queue", "The queue", exportQueue}}
	companyExports = []export{{"people", "People", func(a *ask, s *sheet) error {
		id, err := strconv.ParseInt(a.PathValue("account"), 10, 64)
		if err != nil {
			return errNotFound
		}
		if _, err := a.site.Store.AccountByID(a.Context(), id); err != nil {
			return err
		}
		return s.leadRows(store.LeadFilter{Account: id})
	}}}
	behindExports = []export{{"leads", "Leads behind a figure", exportBehind}}
	searchExports = []export{{"people", "People found", exportFound}, {"companies", "Companies found", exportFoundCompanies}}
	inboxExports  = []export{{"inbox", "The inbox", exportInbox}}
)

func exportQueue(a *ask, s *sheet) error {
	if err := s.row(append([]any{"state", "place", "why", "holder", "held_until", "next_at", "tries"}, leadColumns...)...); err != nil {
		return err
	}
	for _, of := range []struct {
		state store.CallState
		words string
	}{{store.CallFree, "waiting"}, {store.CallTaken, "being called"}, {store.CallLater, "again later"}} {
		list, err := engine.Queue(a.Context(), a.site.Store, a.site.API.PlanOf, of.state, "", a.now.UnixMicro(), store.MostCalls)
		if err != nil {
			return err
		}
		for i := range list {
			r := &list[i]
			if err := s.row(append([]any{of.words, i + 1, r.Reason, r.Holder, instant(r.Until), instant(r.Next), r.Tries}, leadCells(&r.ListedLead)...)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// exportBehind takes as many queries as there are thousands of leads.
func exportBehind(a *ask, s *sheet) error {
	f, _ := a.behindOf()
	if err := s.row("lead", "name", "email", "company", "stage", "grade", "owner", "source", "arrived_at", "entered_at", "clause"); err != nil {
		return err
	}
	for before := int64(0); ; {
		list, next, err := a.site.Store.LeadsBehind(a.Context(), f, before, sheetPage)
		if err != nil {
			return err
		}
		for i := range list {
			b := &list[i]
			if err := s.row(b.ID, b.Name, b.Email, b.Account, b.Stage, b.Grade, b.Owner, b.Source, instant(b.CreatedAt), instant(b.EnteredAt), b.Via); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		before = next
	}
}

func exportInbox(a *ask, s *sheet) error {
	return pagesOf(s, []any{"told_at", "kind", "about", "lead", "times", "read_at"}, func(before int64) ([]store.InboxEntry, error) {
		return a.site.Store.Inbox(a.Context(), a.viewer.Email, store.InboxFilter{Before: before}, sheetPage)
	}, func(e *store.InboxEntry) (int64, []any) {
		return e.Seq, []any{instant(e.At), e.Kind, e.Name, e.Lead, e.Times, instant(e.ReadAt)}
	})
}

// mostTaken is how many leads, and companies, of a search are taken out at most.
const mostTaken = 10_000

// foundIn finds what a search is about. A list that is not whole says so in the name of its file.
func (s *sheet) foundIn() (leads, accounts []int64, err error) {
	leads, accounts, more, err := s.site.Store.SearchAll(s.Context(), strings.TrimSpace(s.URL.Query().Get("q")), mostTaken)
	if more {
		s.name += "-not-all"
	}
	return leads, accounts, err
}

// exportFound writes all leads that a search finds, by their numbers.
func exportFound(a *ask, s *sheet) error {
	leads, _, err := s.foundIn()
	if err != nil {
		return err
	}
	if err := s.row(leadColumns...); err != nil {
		return err
	}
	for part := range slices.Chunk(leads, sheetPage) {
		list, err := a.site.Store.LeadsByID(a.Context(), part)
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(x, y store.ListedLead) int { return cmp.Compare(x.ID, y.ID) })
		for i := range list {
			if err := s.row(leadCells(&list[i])...); err != nil {
				return err
			}
		}
	}
	return nil
}

// exportFoundCompanies writes all companies that a search finds, those with most people first of each thousand.
func exportFoundCompanies(a *ask, s *sheet) error {
	_, accounts, err := s.foundIn()
	if err != nil {
		return err
	}
	if err := s.row("account", "name", "key", "owner", "people"); err != nil {
		return err
	}
	for part := range slices.Chunk(accounts, sheetPage) {
		list, err := a.site.Store.FoundAccounts(a.Context(), part)
		if err != nil {
			return err
		}
		for i := range list {
			c := &list[i]
			if err := s.row(c.ID, c.Name, c.Key, c.Owner, c.Leads); err != nil {
				return err
			}
		}
	}
	return nil
}

// The lists of the pages of figures are reports.
var (
	funnelExports = []export{
		exportReport("ways", "Stages and ways", "flow", report.Flow, func(a *ask) report.Query { s := a.sightOf(); return s.query("") }),
		exportReport("months", "By the month they arrived", "funnel", report.Funnel, func(a *ask) report.Query { s := a.sightOf(); return s.query("month") }),
	}
	promiseExports = []export{
		{"soon", "About to break", exportSoon},
		exportReport("promises", "Promises", "promises", report.Promised, func(a *ask) report.Query { s := sight{span: a.spanOf("6m")}; return s.query("") }),
		exportReport("clauses", "Where time ran out", "sla", report.SLA, func(a *ask) report.Query { s := a.promiseSight(); return s.query("") }),
		exportReport("owners", "Where time ran out, by owner", "sla", report.SLA, func(a *ask) report.Query { s := a.promiseSight(); return s.query("owner") }),
		exportReport("response", "How fast sales answers", "response", report.Response, func(a *ask) report.Query { s := a.promiseSight(); return s.query("") }),
	}
	whatWorksExports = []export{
		exportReport("lift", "What goes with winning", "lift", report.Lift, func(a *ask) report.Query { s := a.liftSight(); return s.query(liftGroup(a.liftBy())) }),
		exportReport("grades", "Grades against outcomes", "lift", report.Lift, func(a *ask) report.Query { s := a.liftSight(); return s.query("grade") }),
		exportReport("back", "Why leads came back", "rejections", report.Rejections, func(a *ask) report.Query { s := a.liftSight(); return s.query("") }),
	}
)

// exportReport is a report as CSV, with the figures that the page shows.
func exportReport(name, words, kind string, make maker, query func(*ask) report.Query) export {
	return export{name, words, func(a *ask, s *sheet) error {
		c, err := a.counting()
		if err != nil {
			return err
		}
		t := a.count(c, kind, make, query(a))
		if c.err != nil {
			return c.err
		}
		if c.Waiting {
			return &failure{status: http.StatusServiceUnavailable, title: "These figures are being counted", text: "It takes some seconds the first time. Then ask for the list again.", retry: "3"}
		}
		for _, row := range t.Plain() {
			if err := s.row(row...); err != nil {
				return err
			}
		}
		return nil
	}}
}

func exportSoon(a *ask, s *sheet) error {
	due, err := a.site.Store.DueLeads(a.Context(), a.now.UnixMicro()+soonHorizon, sheetPage)
	var over []store.OverClock
	if err == nil {
		over, err = a.site.Store.OverClocks(a.Context(), sheetPage)
	}
	if err == nil {
		err = s.row(append([]any{"clock", "due_at", "left", "holder"}, leadColumns...)...)
	}
	if err != nil {
		return err
	}
	p := promisesPage{}
	if _, _, err := p.soon(a, due, over, sheetPage, sheetPage); err != nil {
		return err
	}
	for _, r := range p.Soon {
		if err := s.row(append([]any{r.Clause, instant(r.Left.Due), cmp.Or(r.Left.Rest, r.Left.Words), r.Owner}, leadCells(r.row)...)...); err != nil {
			return err
		}
	}
	return nil
}
