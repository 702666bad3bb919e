package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
	"baton/internal/pgtest"
)

// Search finds people and companies by how words of their names begin, whatever the accents, as they are called now; on both databases.
func TestSearch(t *testing.T) {
	for _, db := range []string{"SQLite", "PostgreSQL"} {
		t.Run(db, func(t *testing.T) {
			path := ""
			if db == "PostgreSQL" {
				path = pgtest.Database(t)
			}
			h := open(t, path, Options{})
			h.activate(t, northwind, start)
			name := func(s string) lifecycle.Named { return lifecycle.Named{Name: "name", Value: agreement.TextValue(s)} }
			account := func(who, key, called, is string) lifecycle.Arrival {
				a := identify(who, key, start+hour, name(is))
				a.AccountName = called
				return a
			}
			submit(t, h,
				account("anna.svensson@lumenholt.example", "lumenholt.example", "Lumenholt Packaging AB", "Anna Svensson"),
				account("wim@lumenholt.example", "lumenholt.example", "Lumenholt Packaging AB", "Wim van Dorvelt"),
				identify("jorgen@else.example", "", start+hour, name("Jørgen Åström")),
				identify("ann@else.example", "", start+hour, name("Ann Bell")),
				identify("x_100%@else.example", "", start+hour, name("O'Neill, Sam")))
			submit(t, h, identify("ann@else.example", "", start+2*hour, name("Ann Clarke"))) // married since
			for query, want := range map[string]string{
				"ann":          "Ann Clarke, Anna Svensson",
				"ANN SVENS":    "Anna Svensson",
				"svens an":     "Anna Svensson",
				"astrom":       "Jørgen Åström",
				"JØRG":         "Jørgen Åström",
				"oneil":        "O'Neill, Sam",
				"bell":         "", // she is called Clarke now
				"clarke":       "Ann Clarke",
				"anna.svensso": "Anna Svensson",
				"wim@":         "Wim van Dorvelt",
				"lumen":        "Anna Svensson, Wim van Dorvelt, [Lumenholt Packaging AB 2]",
				"packag":       "Anna Svensson, Wim van Dorvelt, [Lumenholt Packaging AB 2]",
				"lumenholt.e":  "Anna Svensson, Wim van Dorvelt, [Lumenholt Packaging AB 2]",
				"wim lumen":    "Wim van Dorvelt",
				"x_1":          "O'Neill, Sam",
				"%":            "",
				"_":            "",
				"'; DROP":      "",
				"":             "",
				"a\x00nn":      "",
				"\xff":         "",
			} {
				found, err := h.st.Search(context.Background(), query, 8)
				if err != nil {
					t.Fatalf("%q: %v", query, err)
				}
				var got []string
				for _, l := range found.Leads {
					got = append(got, l.Name)
				}
				for _, a := range found.Accounts {
					got = append(got, fmt.Sprintf("[%s %d]", a.Name, a.Leads))
				}
				if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
					t.Errorf("%q (-want +got):\n%s", query, diff)
				}
			}
			if found, err := h.st.Search(context.Background(), "ann", 1); err != nil || len(found.Leads) != 1 || !found.More {
				t.Errorf("one of two: %+v, %v", found, err)
			}
			for query, want := range map[string]string{"ann": "[1 4] [] false", "lumen": "[1 2] [1] false", "wim lumen": "[2] [] false", "e": "[] [] false", "": "[] [] false", "\x00": "[] [] false", "a": "[1 2 3] [1] true"} {
				leads, accounts, more, err := h.st.SearchAll(context.Background(), query, 3)
				if got := fmt.Sprint(leads, accounts, more); err != nil || got != want {
					t.Errorf("all of %q: %s, want %s; %v", query, got, want, err)
				}
			}
			for most, want := range map[int]string{1: "[1] [1] true", 2: "[1 2] [1] true", 10: "[1 2 3 4] [1] false"} {
				leads, accounts, more, err := h.st.SearchAll(context.Background(), "a", most)
				if got := fmt.Sprint(leads, accounts, more); err != nil || got != want {
					t.Errorf("%d of all: %s, want %s; %v", most, got, want, err)
				}
			}
			if leads, accounts, more, err := h.st.SearchAll(context.Background(), "lumen", 1); err != nil || fmt.Sprint(leads, accounts, more) != "[1] [1] true" {
				t.Errorf("one of a company: %v %v %v %v", leads, accounts, more, err)
			}
		})
	}
}
