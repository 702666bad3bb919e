package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"baton/internal/store"
)

// savedFilters is what stands above a page that people filter: what they have saved, and what they may do with it.
type savedFilters struct {
	Page, Query string // as the page is filtered now; "" for not
	Back        string
	List        []savedFilter
	Mine        []savedFilter // those that the viewer may change
	Shares      bool          // the viewer may share one
}

type savedFilter struct {
	store.SavedFilter
	Href    string
	Current bool
	Others  bool
}

const (
	mostFilterName  = 60  // letters of its name
	mostFilterQuery = 600 // bytes of what it filters by
)

// saved makes one query where the page has filters, and none elsewhere.
func (a *ask) saved() *savedFilters {
	if a.route == nil || a.route.filters == nil || a.viewer == nil || a.viewer.ID == 0 {
		return nil
	}
	p := &savedFilters{Page: a.route.path(), Back: a.URL.RequestURI(), Query: filterQuery(a.route, a.URL.Query()), Shares: a.viewer.May(ShareFilters)}
	list, err := a.site.Store.SavedFilters(a.Context(), a.viewer.ID, p.Page)
	if err != nil { // a page without its saved filters is better than none
		a.site.Log.WarnContext(a.Context(), "reading saved filters", "page", p.Page, "error", err)
	}
	for _, f := range list {
		one := savedFilter{SavedFilter: f, Href: f.Page + "?" + f.Query, Current: f.Query == p.Query, Others: f.User != a.viewer.ID}
		p.List = append(p.List, one)
		if !one.Others || p.Shares {
			p.Mine = append(p.Mine, one)
		}
	}
	if len(p.List) == 0 && p.Query == "" {
		return nil
	}
	return p
}

// Known reports whether the page is filtered as one of them says.
func (p *savedFilters) Known() bool {
	return slices.ContainsFunc(p.List, func(f savedFilter) bool { return f.Current })
}

// filterQuery is what of an address filters a page, in order.
func filterQuery(r *route, q url.Values) string {
	kept := url.Values{}
	for _, name := range r.filters {
		if v := strings.TrimSpace(q.Get(name)); v != "" {
			kept.Set(name, v)
		}
	}
	return kept.Encode()
}

// filtered finds the page that filters are saved for, if the viewer may open it.
func (a *ask) filtered(page string) (*route, error) {
	for i := range a.site.routes {
		if r := &a.site.routes[i]; r.filters != nil && r.path() == page {
			if !a.viewer.May(r.right) {
				return nil, errForbidden
			}
			return r, nil
		}
	}
	return nil, errNotFound
}

// filterName reads the name of a filter.
func (a *ask) filterName() (string, error) {
	name := strings.Join(strings.Fields(a.PostFormValue("name")), " ")
	if n := utf8.RuneCountInString(name); n == 0 || n > mostFilterName || !utf8.ValidString(name) {
		return "", badField("give the filter a name of 1 to " + strconv.Itoa(mostFilterName) + " letters")
	}
	return name, nil
}

// saveFilter keeps how a page is filtered under a name. One of the same name is replaced.
func saveFilter(a *ask) (answer, error) {
	r, err := a.filtered(a.PostFormValue("page"))
	if err != nil {
		return nil, err
	}
	name, err := a.filterName()
	if err != nil {
		return nil, err
	}
	q, err := url.ParseQuery(a.PostFormValue("query"))
	if err != nil {
		return nil, badField("what to filter by did not arrive whole; filter the page again")
	}
	query := filterQuery(r, q)
	if query == "" || len(query) > mostFilterQuery {
		return nil, badField("filter the page by something first, and by less than a page of text")
	}
	err = a.site.Store.SaveFilter(a.Context(), store.SavedFilter{User: a.viewer.ID, Page: r.path(), Query: query, Name: name, Shared: a.PostFormValue("shared") != "" && a.viewer.May(ShareFilters), At: a.now.UnixMicro()})
	if err != nil {
		return nil, filterFailure(err)
	}
	return redirect{to: r.path() + "?" + query, said: &flash{Who: name, Text: "is saved"}}, nil
}

// mayChange reports by an error that the viewer may not change a filter: it is somebody else's, and either not shared or they may not share.
func (a *ask) mayChange(f *store.SavedFilter) error {
	if f.User == a.viewer.ID || f.Shared && a.viewer.May(ShareFilters) {
		return nil
	}
	return store.ErrNoFilter // what is not shared is not there for others
}

func changeFilter(a *ask) (answer, error) {
	id, err := strconv.ParseInt(a.PathValue("filter"), 10, 64)
	if err != nil {
		return nil, errNotFound
	}
	name, err := a.filterName()
	if err != nil {
		return nil, err
	}
	err = a.site.Store.ChangeFilter(a.Context(), id, a.now.UnixMicro(), func(f *store.SavedFilter) error {
		if err := a.mayChange(f); err != nil {
			return err
		}
		f.Name = name
		if a.viewer.May(ShareFilters) {
			f.Shared = a.PostFormValue("shared") != ""
		}
		return nil
	})
	if err != nil {
		return nil, filterFailure(err)
	}
	return redirect{to: a.back("/"), said: &flash{Who: name, Text: "is changed"}}, nil
}

func removeFilter(a *ask) (answer, error) {
	id, err := strconv.ParseInt(a.PathValue("filter"), 10, 64)
	if err != nil {
		return nil, errNotFound
	}
	name := ""
	err = a.site.Store.RemoveFilter(a.Context(), id, a.now.UnixMicro(), func(f *store.SavedFilter) error {
		name = f.Name
		return a.mayChange(f)
	})
	if err != nil {
		return nil, filterFailure(err)
	}
	return redirect{to: a.back("/"), said: &flash{Who: name, Text: "is removed"}}, nil
}

func filterFailure(err error) error {
	for known, status := range map[error]int{store.ErrNoFilter: http.StatusNotFound, store.ErrFilters: http.StatusUnprocessableEntity, store.ErrFilterThere: http.StatusConflict} { // order: an error is one of them
		if errors.Is(err, known) {
			return &failure{status: status, title: "This filter is as it was", text: sentence(known.Error()), cause: err}
		}
	}
	return err
}
