package lifecycle

import "baton/internal/agreement"

// Line is what an inbox shows of an entry: plain text.
type Line struct {
	Title string
	Todo  string // what to do and by when; "" for nothing
	Over  string // why it is over by now; "" if it is not
}

// InboxLine writes the line of an alert, of the lead as it stands at an instant: decided is when the alert was. It needs
// no history. view.Lead is nil for a lead that is not there any more, and plan may be nil then.
func InboxLine(plan *agreement.Plan, view *View, a *Alert, decided, at int64) Line {
	over := Moot(plan, view, a, decided, at)
	if view.Lead == nil {
		return Line{Title: words(a.Kind), Over: over}
	}
	zone := plan.Calendar.Zone()
	if hours := HoursOf(plan, view.Roster, a.To); hours != nil {
		zone = hours.Zone()
	}
	t := &teller{explainer: explainer{plan: plan, view: view, lead: view.Lead, at: at, facts: FactsAt(plan, view, at), zone: zone}, alert: a}
	line := Line{Title: t.title(), Over: over}
	if over == "" {
		line.Todo = t.todo()
	}
	return line
}
