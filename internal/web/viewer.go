package web

import (
	"errors"
	"slices"
)

// Viewer is who looks at a page.
type Viewer struct {
	ID    int64  // of the account
	Email string // the ID of the member in the roster, if they are one
	Name  string
	Roles []Role
}

// ErrSignedOut means that nobody is signed in.
var ErrSignedOut = errors.New("nobody is signed in")

// Role is what somebody is to the company.
type Role string

// The roles.
const (
	RoleMarketing Role = "marketing"
	RoleSDR       Role = "sdr"
	RoleRep       Role = "rep"
	RoleManager   Role = "manager"
	RoleRevOps    Role = "revops"
	RoleAdmin     Role = "admin"
)

// Right is what a route asks of its viewer.
type Right string

// The rights.
const (
	Anybody     Right = ""            // also who is not signed in
	SignedIn    Right = "signed_in"   // whoever is
	WorkLeads   Right = "work_leads"  // own leads: accept, reject, hand back, log a contact
	WorkQueue   Right = "work_queue"  // take the next of a queue, and ask its questions
	SeeLeads    Right = "see_leads"   // any lead and account, and search
	SeeReports  Right = "see_reports" // funnel, promises, what works
	RunTeam     Right = "run_team"    // people, absences, reassigning
	RunImports  Right = "run_imports"
	RunSettings Right = "run_settings"
)

// rights is who may what.
var rights = map[Role][]Right{
	RoleMarketing: {SeeLeads, SeeReports},
	RoleSDR:       {WorkLeads, WorkQueue, SeeLeads},
	RoleRep:       {WorkLeads, SeeLeads},
	RoleManager:   {WorkLeads, WorkQueue, SeeLeads, SeeReports, RunTeam},
	RoleRevOps:    {SeeLeads, SeeReports, RunTeam, RunImports, RunSettings},
	RoleAdmin:     {SeeLeads, SeeReports, RunTeam, RunImports, RunSettings},
}

// May reports whether a viewer has a right; a nil viewer has none but Anybody.
func (v *Viewer) May(right Right) bool {
	if right == Anybody || v == nil {
		return right == Anybody
	}
	return right == SignedIn || slices.ContainsFunc(v.Roles, func(r Role) bool { return slices.Contains(rights[r], right) })
}
