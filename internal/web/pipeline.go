package web

import (
	"math"
	"strconv"
	"strings"

	"baton/internal/document"
	"baton/internal/engine"
	"baton/internal/store"
)

// pipelinePage is what sales works, that of which most is expected first.
type pipelinePage struct {
	Finding, Under string
	Owners         []filter
	Rows           []prospectRow
	First          bool // the page is the first
	Mine           bool // of the viewer alone
	Costs          bool // the agreement says what an hour costs: there are returns
	Next           string
}

// prospectRow is a lead that sales works, with what is expected of it; "" for what is not known.
type prospectRow struct {
	Link, Name, Company, Grade, Stage, Side, Owner string
	Value, Chance, Expected                        string
	Says                                           bool   // the viewer may say what it may be worth
	Assumed                                        bool   // the chance is that of its stage
	Effort, Return                                 string // hours; how many times their cost
	Against                                        string
	Share                                          string // of the most that is expected of any on the page, in percent
}

const (
	pipelineRows = 50
	anyOwner     = "all" // in the address: of everybody
)

// pipelineOwner is whose pipeline an address asks for, "" for everybody's. Whoever works leads looks at their own first.
func (a *ask) pipelineOwner() string {
	switch owner := strings.ToLower(strings.TrimSpace(a.URL.Query().Get("owner"))); {
	case owner == anyOwner:
		return ""
	case owner == "" && a.viewer.May(WorkLeads) && !a.viewer.May(RunTeam):
		return a.viewer.Email
	default:
		return owner
	}
}

// pipelineAfter reads where the list goes on, as pipelinePlace wrote it.
func (a *ask) pipelineAfter() (p store.PipelinePlace) {
	expected, lead, _ := strings.Cut(a.URL.Query().Get("after"), "-")
	bits, err := strconv.ParseUint(expected, 36, 64)
	if err != nil {
		return p
	}
	if p.Lead, err = strconv.ParseInt(lead, 36, 64); err != nil || p.Lead < 0 {
		return store.PipelinePlace{}
	}
	if p.Expected = math.Float64frombits(bits); math.IsNaN(p.Expected) || math.IsInf(p.Expected, 0) {
		return store.PipelinePlace{}
	}
	return p
}

func placeOf(r *engine.PipelineRow) store.PipelinePlace {
	return store.PipelinePlace{Expected: r.Expected, Lead: r.ID}
}

// showPipeline makes two queries beside those of every page: the leads, and what all come to.
func showPipeline(a *ask) (answer, error) {
	owner, after := a.pipelineOwner(), a.pipelineAfter()
	rows, err := engine.Pipeline(a.Context(), a.site.Store, a.site.API.PlanOf, owner, after, pipelineRows+1)
	if err != nil {
		return nil, err
	}
	sum, err := a.site.Store.SumPipeline(a.Context(), owner)
	if err != nil {
		return nil, err
	}
	p := pipelinePage{First: after.Lead == 0, Mine: owner == a.viewer.Email, Owners: []filter{a.memberFilter("Owner", "owner", anyOwner, owner)}}
	p.Finding, p.Under = a.pipelineWords(owner, sum)
	if len(rows) > pipelineRows {
		rows = rows[:pipelineRows]
		place := placeOf(&rows[pipelineRows-1])
		q := a.URL.Query()
		q.Set("after", strconv.FormatUint(math.Float64bits(place.Expected), 36)+"-"+strconv.FormatInt(place.Lead, 36))
		p.Next = a.URL.Path + "?" + q.Encode()
	}
	for i := range rows {
		r := &rows[i]
		one := prospectRow{Link: string(leadURL(r.ID)) + "#" + atWorth, Says: a.viewer.May(WorkLeads), Name: leadName(&r.ListedLead), Company: r.AccountName, Grade: r.Grade, Stage: document.Title(r.Stage), Side: r.Side, Assumed: r.Assumed,
			Value: money(r.Value), Chance: chance(r.Probability), Expected: money(r.Expected), Against: strings.Join(spacedAll(r.Competitors), ", ")}
		if r.Owner != "" {
			one.Owner = a.memberName(r.Owner)
		}
		if r.Effort > 0 {
			one.Effort = px(r.Effort) + " h"
		}
		if r.Return > 0 {
			one.Return = strconv.FormatFloat(r.Return, 'f', 1, 64) + " ×"
		}
		p.Costs = p.Costs || r.Cost > 0
		if most := rows[0].Expected; most > 0 {
			one.Share = px(100 * r.Expected / most)
		}
		p.Rows = append(p.Rows, one)
	}
	return page{title: "Pipeline", body: pipelineBody(p), live: "decisions", state: a.today()}, nil
}

// pipelineWords says what a pipeline comes to.
func (a *ask) pipelineWords(owner string, sum store.Pipeline) (finding, under string) {
	leads, whose := counted(int(sum.Leads), "lead", "leads"), "sales works"
	switch owner {
	case "":
	case a.viewer.Email:
		whose = "you work"
	default:
		whose = a.memberName(owner) + " works"
	}
	switch {
	case sum.Leads == 0:
		if owner == a.viewer.Email {
			return "No lead is yours to work now", "A lead comes here when you accept it, and leaves when it is won, lost or handed back."
		}
		return capital(whose) + " nobody now", "A lead comes here when it is accepted, and leaves when it is won, lost or handed back."
	case sum.Value == 0:
		return capital(whose) + " " + leads + ", and nobody has said what they may be worth", "Whoever works a lead says it on its page, where it is asked whether it is worth our effort: the list is ordered by it then."
	case sum.Expected == 0:
		return capital(whose) + " " + leads + ", worth " + money(sum.Value) + " if all are won", "Nobody has said how likely that is. Whoever works a lead says it on its page, where it is asked whether it is worth our effort: the list is ordered by it then."
	}
	return money(sum.Expected) + " is expected of the " + leads + " that " + whose, "They may be worth " + money(sum.Value) + ". Expected is the value, as likely as it is won; that of which most is expected stands first."
}

// money writes an amount, without cents; "" for 0.
func money(f float64) string {
	if f == 0 {
		return ""
	}
	return grouped(int64(math.Round(f)))
}

// chance writes a share; "" for 0.
func chance(f float64) string {
	if f == 0 {
		return ""
	}
	return px(math.Round(f*1000)/10) + " %"
}

func spacedAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = spaced(n)
	}
	return out
}

var pipelineExports = []export{{"pipeline", "The pipeline", exportPipeline}}

// exportPipeline writes the pipeline that the page is about, a page after the other.
func exportPipeline(a *ask, s *sheet) error {
	owner := a.pipelineOwner()
	if err := s.row(append([]any{"value", "probability", "probability_of_stage", "expected", "hours", "cost", "return", "competitors"}, leadColumns...)...); err != nil {
		return err
	}
	for place := (store.PipelinePlace{}); ; {
		rows, err := engine.Pipeline(a.Context(), a.site.Store, a.site.API.PlanOf, owner, place, sheetPage)
		if err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			if err := s.row(append([]any{r.Value, r.Probability, r.Assumed, r.Expected, r.Effort, r.Cost, r.Return, strings.Join(r.Competitors, ", ")}, leadCells(&r.ListedLead)...)...); err != nil {
				return err
			}
			place = placeOf(r)
		}
		if len(rows) < sheetPage {
			return nil
		}
	}
}
