package access

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRights(t *testing.T) {
	if len(Rights) != 16 {
		t.Errorf("%d lines", len(Rights))
	}
	for _, g := range Rights {
		for _, role := range g.Roles {
			if !slices.Contains(Roles, role) {
				t.Errorf("%s: there is no role %q", g.Right, role)
			}
		}
		for _, role := range Roles {
			v := &Viewer{Roles: []Role{role}}
			if v.May(g.Right) != slices.Contains(g.Roles, role) {
				t.Errorf("%s as %s: %v", g.Right, role, v.May(g.Right))
			}
		}
		if (&Viewer{}).May(g.Right) || (*Viewer)(nil).May(g.Right) {
			t.Errorf("%s needs no role", g.Right)
		}
	}
	if !(*Viewer)(nil).May(Anybody) || !(&Viewer{}).May(Anybody) || (&Viewer{Roles: Roles}).May("other") {
		t.Error("anybody, or what is not in the table")
	}
	// those that matter most, once more by hand
	for _, c := range []struct {
		role  Role
		right Right
		may   bool
	}{
		{RoleRep, WorkLeads, true}, {RoleRep, SeeReports, false}, {RoleRep, Export, false}, {RoleMarketing, WorkLeads, false}, {RoleManager, RunSettings, false},
		{RoleRevOps, RunPeople, false}, {RoleAdmin, RunPeople, true}, {RoleAdmin, WorkLeads, false}, {RoleManager, RemindOwners, true}, {RoleMarketing, RemindOwners, true}, {RoleRep, RemindOwners, false}, {RoleSDR, WorkQueue, true},
		{RoleRevOps, RunSettings, true}, {RoleRevOps, RunKeys, false}, {RoleRevOps, SeeServer, false}, {RoleAdmin, RunKeys, true},
	} {
		if (&Viewer{Roles: []Role{c.role}}).May(c.right) != c.may {
			t.Errorf("%s: %s", c.role, c.right)
		}
	}
}

// docs/sign-in.md shows the table as it is.
func TestRightsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/sign-in.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	text, _, _ = strings.Cut(text, "\n\n")
	var want []string
	for _, g := range Rights {
		line := "| `" + string(g.Right) + "` | " + g.Says + " |"
		for _, r := range Roles {
			if slices.Contains(g.Roles, r) {
				line += " x"
			}
			line += " |"
		}
		want = append(want, line)
	}
	if diff := cmp.Diff(want, strings.Split(text, "\n")); diff != "" {
		t.Errorf("docs/sign-in.md (-want +got):\n%s", diff)
	}
}
