package store

import (
	"errors"
	"fmt"
	"testing"
)

// Filters are of a user and a page; those that are shared are there for all.
func TestSavedFilters(t *testing.T) {
	onBoth(t, func(t *testing.T, st *Store) {
		ctx := t.Context()
		expect := func(user int64, page, want string) {
			t.Helper()
			list, err := st.SavedFilters(ctx, user, page)
			must(t, err)
			got := ""
			for _, f := range list {
				got += fmt.Sprintf("%s?%s shared=%v; ", f.Name, f.Query, f.Shared)
			}
			if got != want {
				t.Errorf("user %d sees %q, want %q", user, got, want)
			}
		}
		must(t, st.SaveFilter(ctx, SavedFilter{User: 1, Page: "/funnel", Name: "B", Query: "period=month"}))
		must(t, st.SaveFilter(ctx, SavedFilter{User: 1, Page: "/funnel", Name: "A", Query: "source=event", Shared: true}))
		must(t, st.SaveFilter(ctx, SavedFilter{User: 1, Page: "/funnel", Name: "B", Query: "period=week"}))
		expect(1, "/funnel", "A?source=event shared=true; B?period=week shared=false; ")
		expect(2, "/funnel", "A?source=event shared=true; ")
		expect(1, "/promises", "")
		list, err := st.SavedFilters(ctx, 1, "/funnel")
		must(t, err)
		if err := st.ChangeFilter(ctx, list[1].ID, 7, func(f *SavedFilter) error { f.Name = "A"; return nil }); !errors.Is(err, ErrFilterThere) {
			t.Errorf("two of one name: %v", err)
		}
		if err := st.RemoveFilter(ctx, list[0].ID, 7, func(*SavedFilter) error { return ErrNoFilter }); !errors.Is(err, ErrNoFilter) {
			t.Errorf("removed although it was not allowed: %v", err)
		}
		must(t, st.RemoveFilter(ctx, list[0].ID, 7, func(*SavedFilter) error { return nil }))
		expect(1, "/funnel", "B?period=week shared=false; ")
		for i := 1; i < MostFilters; i++ {
			must(t, st.SaveFilter(ctx, SavedFilter{User: 1, Page: "/funnel", Name: fmt.Sprint(i), Query: "period=week"}))
		}
		if err := st.SaveFilter(ctx, SavedFilter{User: 1, Page: "/funnel", Name: "one more", Query: "period=week"}); !errors.Is(err, ErrFilters) {
			t.Errorf("more than anybody can keep: %v", err)
		}
	})
}
