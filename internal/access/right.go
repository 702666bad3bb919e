package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"baton/internal/store"
)

// Role is what somebody is to the company. A user may have several.
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

// Roles lists them, as the table of rights has them.
var Roles = []Role{RoleMarketing, RoleSDR, RoleRep, RoleManager, RoleRevOps, RoleAdmin}

// Right is what a page or an act asks of a viewer.
type Right string

// The rights. Anybody needs none, not even to be signed in; SignedIn has whoever is.
const (
	Anybody      Right = ""
	SignedIn     Right = "signed_in"
	WorkLeads    Right = "work_leads"
	WorkQueue    Right = "work_queue"
	SeeLeads     Right = "see_leads"
	SeeReports   Right = "see_reports"
	Export       Right = "export"
	RunTeam      Right = "run_team"
	RunImports   Right = "run_imports"
	RunAgreement Right = "run_agreement"
	RunSettings  Right = "run_settings"
	RunKeys      Right = "run_keys"
	SeeServer    Right = "see_server"
	RunPeople    Right = "run_people"
	SeeAudit     Right = "see_audit"
	ShareFilters Right = "share_filters"
	RemindOwners Right = "remind_owners"
)

// Grant is a line of the table of rights: who has a right.
type Grant struct {
	Right Right
	Says  string // what it lets somebody do
	Roles []Role
}

// Rights is who may what, and the only place that says so. docs/sign-in.md shows it.
var Rights = table(`
	                                               marketing sdr rep manager revops admin
	signed_in      own account and inbox                   x   x   x       x      x     x
	work_leads     accept, reject, hand back, log          .   x   x       x      .     .
	work_queue     take the next of a queue, and ask       .   x   .       x      .     .
	see_leads      any lead and account, and search        x   x   x       x      x     x
	see_reports    funnel, promises, what works, conflicts x   .   .       x      x     x
	export         take lists out as CSV                   x   .   .       x      x     x
	share_filters  save a filter for everybody             .   .   .       x      x     x
	remind_owners  remind whoever has a lead               x   .   .       x      x     x
	run_team       absences, pools, reassigning            .   .   .       x      x     x
	run_imports    bring in files, and undo that           x   .   .       .      x     x
	run_agreement  let an agreement apply                  .   .   .       .      x     x
	run_settings   keys that send or read, webhooks, mail  .   .   .       .      x     x
	run_keys       keys that write or administer           .   .   .       .      .     x
	see_server     how people sign in, how it is set up    .   .   .       .      .     x
	run_people     invite, give roles, deactivate          .   .   .       .      .     x
	see_audit      who did what when                       .   .   .       .      x     x
`)

// table reads the table of rights.
func table(text string) []Grant {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	roles := strings.Fields(lines[0])
	var list []Grant
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		says, marks := words[1:len(words)-len(roles)], words[len(words)-len(roles):]
		g := Grant{Right: Right(words[0]), Says: strings.Join(says, " ")}
		for i, mark := range marks {
			if mark == "x" {
				g.Roles = append(g.Roles, Role(roles[i]))
			}
		}
		list = append(list, g)
	}
	return list
}

// Viewer is who looks at a page.
type Viewer struct {
	ID    int64  // of the user
	Email string // the ID of the member in the roster, if they are one
	Name  string
	Roles []Role

	Session int64  // in which they look; 0 for none
	How     string // they signed in: password, totp, recovery, provider, link, demo
}

// May reports whether a viewer has a right; nil has none but Anybody.
func (v *Viewer) May(right Right) bool {
	if right == Anybody || v == nil {
		return right == Anybody
	}
	for i := range Rights {
		if Rights[i].Right == right {
			return slices.ContainsFunc(v.Roles, func(r Role) bool { return slices.Contains(Rights[i].Roles, r) })
		}
	}
	return false
}

// viewerOf is a user who looks.
func viewerOf(u *store.User) *Viewer {
	v := &Viewer{ID: u.ID, Email: u.Email, Name: u.Name}
	for _, r := range Roles { // those that are known, in their order
		if u.Is(string(r)) {
			v.Roles = append(v.Roles, r)
		}
	}
	return v
}

// ParseRoles reads words of roles, and returns them as they are kept.
func ParseRoles(words []string) (string, error) {
	var list []string
	for _, w := range words {
		if !slices.Contains(Roles, Role(w)) {
			return "", &Refusal{Text: fmt.Sprintf("there is no role %q; there are %s", w, roleNames())}
		}
	}
	for _, r := range Roles {
		if slices.Contains(words, string(r)) {
			list = append(list, string(r))
		}
	}
	if len(list) == 0 {
		return "", &Refusal{Text: "a user needs a role: " + roleNames()}
	}
	return strings.Join(list, " "), nil
}

func roleNames() string {
	var names []string
	for _, r := range Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// Refusal is an error that may be shown to whoever asked, as it is: what happened, and what to do.
type Refusal struct {
	Text string
	Wait int // seconds after which to try again; 0 for no matter
}

func (r *Refusal) Error() string { return r.Text }

// Refused makes a Refusal of an error that says something to whoever asked, and leaves others as they are.
func Refused(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	for _, known := range []error{store.ErrNoUser, store.ErrUserThere, store.ErrLastAdmin, store.ErrUsers, store.ErrNoLink, store.ErrNoSession} {
		if errors.Is(err, known) {
			return &Refusal{Text: known.Error()}
		}
	}
	return err
}
