package web

import (
	"net/url"
	"strconv"
	"time"

	"baton/internal/report"
	"baton/internal/store"
)

// seeRoutes are the pages of what came of it all, and of what was agreed.
func seeRoutes() []route {
	return []route{
		{pattern: "GET /pipeline", right: SeeLeads, handle: showPipeline, exports: pipelineExports, filters: []string{"owner"}, entry: &entry{Group: "See", Label: "Pipeline", Icon: "trending-up", Key: "E"}},
		{pattern: "GET /funnel", right: SeeReports, handle: showFunnel, exports: funnelExports, filters: sightFilters, entry: &entry{Group: "See", Label: "Funnel", Short: "Funnel", Icon: "git-merge", Key: "F"}},
		{pattern: "GET /promises", right: SeeReports, handle: showPromises, exports: promiseExports, filters: []string{"period"}, entry: &entry{Group: "See", Label: "Promises", Short: "Promises", Icon: "handshake", Key: "P"}},
		{pattern: "GET /what-works", right: SeeReports, handle: showWhatWorks, exports: whatWorksExports, filters: []string{"period", "by"}, entry: &entry{Group: "See", Label: "What works", Icon: "flask-conical", Key: "W"}},
		{pattern: "GET /conflicts", right: SeeReports, handle: showConflicts, exports: conflictExports, filters: conflictFilters, entry: &entry{Group: "See", Label: "Conflicts", Icon: "message-square-text", Key: "C"}},
		{pattern: "GET /leads/behind", right: SeeLeads, handle: behind, exports: behindExports, filters: behindFilters},
		{pattern: "GET /agreement", right: SignedIn, handle: showAgreement, entry: &entry{Group: "Agree", Label: "Agreement", Icon: "scroll-text", Key: "A"}},
		{pattern: "GET /agreement/source", right: SignedIn, handle: agreementSource},
	}
}

// What of an address people filter by.
var (
	sightFilters  = []string{"period", "source", "campaign", "segment", "owner"}
	behindFilters = append([]string{"stage", "from", "via", "grade", "clock", "over", "member", "handoff", "ended", "began", "now"}, sightFilters...)
)

// sight is what figures are about, as it stands in an address.
type sight struct {
	Period string // "" for all time, "12m", "6m", "quarter", "month", "week", or a month: "2026-11"
	store.Only
	span  store.Span
	began bool // the period is when a clock or a hand-off began, and not when the lead arrived
}

var periods = []struct{ name, words string }{{"", "all time"}, {"12m", "12 months"}, {"quarter", "this quarter"}, {"month", "this month"}}

// sightOf reads what an address asks for.
func (a *ask) sightOf() sight {
	q := a.URL.Query()
	s := sight{Period: q.Get("period"), Only: store.Only{Source: q.Get("source"), Campaign: q.Get("campaign"), Segment: q.Get("segment"), Owner: q.Get("owner")}}
	s.span = a.spanOf(s.Period)
	if s.span == (store.Span{}) {
		s.Period = ""
	}
	return s
}

// spanOf is the time that a period is, in the agreement's zone; none for all time.
func (a *ask) spanOf(period string) (p store.Span) {
	zone, now := a.plan.Calendar.Zone(), a.now.UnixMicro()
	switch period {
	case "":
	case "12m":
		t := a.now.In(zone)
		p.From = time.Date(t.Year(), t.Month()-11, 1, 0, 0, 0, 0, zone).UnixMicro()
	case "6m":
		t := a.now.In(zone)
		p.From = time.Date(t.Year(), t.Month()-5, 1, 0, 0, 0, 0, zone).UnixMicro()
	case "quarter", "month", "week":
		p.From, _ = report.Period(period, now, zone)
	default:
		if t, err := time.ParseInLocation("2006-01", period, zone); err == nil {
			p.From, p.Until = report.Period("month", t.UnixMicro(), zone)
		}
	}
	return p
}

// query is what a report is asked for.
func (s *sight) query(by string) report.Query {
	return report.Query{Since: s.span.From, Until: s.span.Until, By: by, Only: s.Only}
}

// values are the parameters of an address for it.
func (s *sight) values() url.Values {
	q := url.Values{}
	for _, f := range [...]field{{"period", s.Period}, {"source", s.Source}, {"campaign", s.Campaign}, {"segment", s.Segment}, {"owner", s.Owner}} {
		if f.Value != "" {
			q.Set(f.Name, f.Value)
		}
	}
	return q
}

// behindURL is the address of the leads behind a figure: those of the sight, with more said of them.
func (s *sight) behindURL(more ...string) string {
	q := s.values()
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "/leads/behind?" + q.Encode()
}

// monthWords writes "2026-11" as "Nov 2026".
func monthWords(period string) string {
	if t, err := time.Parse("2006-01", period); err == nil {
		return t.Format("Jan 2006")
	}
	return period
}

// grouped writes a count with commas.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
