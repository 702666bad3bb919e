//go:build unix

package app

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	anyLink   = regexp.MustCompile(`href="(/[^"]*)"`)
	anyAnchor = regexp.MustCompile(` id="([^"]+)"`)
	figures   = regexp.MustCompile(`[0-9]+`)
)

// Whoever follows a clause from any page of the company finds it in the agreement.
func TestEveryClauseIsInTheAgreement(t *testing.T) {
	l := servePages(t)
	const most = 60 // pages of a kind that are looked at, for each role
	anchors := map[string][]string{}
	found := map[string]string{} // link to a clause: a page that has it
	for _, role := range []string{"rep", "sdr", "manager", "marketing", "admin"} {
		ways := []string{"/"}
		for _, p := range pictured {
			if p.role == role && !strings.Contains(p.name, "forbidden") && p.name != "not-found" {
				ways = append(ways, l.at(t, p.path))
			}
		}
		kinds := map[string]int{}
		seen := map[string]bool{}
		for len(ways) > 0 {
			path := ways[0]
			ways = ways[1:]
			kind := figures.ReplaceAllString(path, "0")
			if kinds[kind]++; seen[path] || kinds[kind] > most {
				continue
			}
			seen[path] = true
			for _, m := range anyLink.FindAllStringSubmatch(l.page(t, role, path), -1) {
				to, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil {
					t.Errorf("%s: %s: %v", path, m[1], err)
					continue
				}
				if to.Path == "/agreement" {
					if to.Fragment != "" {
						found[html.UnescapeString(m[1])] = path
					}
					continue
				}
				next := to.Path
				if to.RawQuery != "" {
					next += "?" + to.RawQuery
				}
				if strings.HasPrefix(next, "/leads/") && !seen[next] && to.Query().Get("after") == "" && !to.Query().Has("csv") {
					ways = append(ways, next)
				}
			}
		}
	}
	for link, path := range found { // order: does not matter to a test
		to, _ := url.Parse(link)
		at := to.Path + "?" + to.RawQuery
		if anchors[at] == nil {
			for _, m := range anyAnchor.FindAllStringSubmatch(l.page(t, "manager", at), -1) {
				anchors[at] = append(anchors[at], html.UnescapeString(m[1]))
			}
		}
		if !slices.Contains(anchors[at], to.Fragment) {
			t.Errorf("%s is on %s, and leads nowhere", link, path)
		}
	}
	if len(found) < 50 {
		t.Errorf("only %d links to clauses were found", len(found))
	}
	t.Logf("%d links to clauses", len(found))
}
