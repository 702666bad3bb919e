package store

import "context"

// LeadField is a text of a lead, or of its account, that leads can be read with.
type LeadField uint8

// The fields.
const (
	NoField LeadField = iota
	LeadOwner
	LeadGrade
	LeadStage
	LeadSide
	LeadOutcome
	LeadOrigin
	LeadTrack
	LeadBuyingStage
	LeadConsent
	LeadReadiness // "0" to "5"
	LeadSource
	LeadCampaign
	LeadAttributes    // JSON: attributes and answers by their names, answers with "answers." before
	CompanyAttributes // JSON: those of the account, or of the lead where it has none
)

var leadTexts = [...]string{
	LeadOwner: "l.owner", LeadGrade: "l.grade", LeadStage: "l.stage", LeadSide: "l.side", LeadOutcome: "l.outcome", LeadOrigin: "l.origin",
	LeadTrack: "l.track", LeadBuyingStage: "l.buying_stage", LeadConsent: "l.consent", LeadReadiness: "CAST(l.readiness AS TEXT)",
	LeadSource: "l.source", LeadCampaign: "l.campaign", LeadAttributes: "l.attributes", CompanyAttributes: "coalesce(a.attributes, l.attributes)",
}

const (
	fromLead           = " FROM lead l"
	fromLeadAndAccount = " FROM lead l LEFT JOIN account a ON a.id = l.account AND l.account <> 0"
)

// LeadRow is a lead in what reports group it by.
type LeadRow struct {
	ID        int64
	ArrivedAt int64
	DecidedAt int64  // up to when its state is worked out
	Field     string // the one asked for
}

// EachLead hands over the leads that arrived within a time, each with a field.
func (n *Snapshot) EachLead(ctx context.Context, arrived Span, field LeadField, each func(*LeadRow) error) error {
	where, args := n.leads(arrived)
	columns, from := "l.id, l.created_at, l.clock", fromLead
	if field != NoField {
		columns += ", " + leadTexts[field]
	}
	if field == CompanyAttributes {
		from = fromLeadAndAccount
	}
	return stream(ctx, n, "SELECT "+columns+from+where+" ORDER BY l.id", args,
		func(c *cells, r *LeadRow) {
			r.ID, r.ArrivedAt, r.DecidedAt = c.int(0), c.int(1), c.int(2)
			if field != NoField {
				r.Field = c.text(3)
			}
		}, each)
}

// ProfileRow is a lead in what is known of it: what a fit rule asks about.
type ProfileRow struct {
	ID         int64
	ArrivedAt  int64
	DecidedAt  int64
	Attributes string // as LeadAttributes
	Company    string // JSON: the attributes of its account, "" without one
	Origin     string
	Owner      string
	// AccountOwner is "" without an account.
	AccountOwner string
	Activities   int64 // those that count
	Consent      string
}

// EachProfile hands over what is known of the leads that arrived within a time.
func (n *Snapshot) EachProfile(ctx context.Context, arrived Span, each func(*ProfileRow) error) error {
	where, args := n.leads(arrived)
	return stream(ctx, n, "SELECT l.id, l.created_at, l.clock, l.attributes, a.attributes, l.origin, l.owner, a.owner, l.activities, l.consent"+
		fromLeadAndAccount+where+" ORDER BY l.id", args,
		func(c *cells, r *ProfileRow) {
			r.ID, r.ArrivedAt, r.DecidedAt, r.Attributes, r.Company = c.int(0), c.int(1), c.int(2), c.text(3), c.text(4)
			r.Origin, r.Owner, r.AccountOwner, r.Activities, r.Consent = c.text(5), c.text(6), c.text(7), c.int(8), c.text(9)
		}, each)
}
