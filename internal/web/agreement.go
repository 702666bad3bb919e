package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"baton/internal/agreement"
	"baton/internal/document"
	"baton/internal/store"
)

// agreementPage is a version of the agreement as people read it.
type agreementPage struct {
	*agreed
	Version  int64
	Since    string // the day from which it applies
	Current  int64  // the version that applies
	Versions []agreementVersion
	Parties  []signatory
}

// agreementVersion is a line of the list of versions.
type agreementVersion struct {
	link
	Since string
	Seal  string
}

// signatory is who signs for a side.
type signatory struct{ Side, Name, Address string }

// agreed is the document of one version.
type agreed struct {
	Text    *document.Text
	Picture string // SVG
}

// shelf keeps documents that were written once: a version never changes.
type shelf struct {
	lock sync.Mutex
	list map[string]*agreed // by the hash of the version
}

func (s *shelf) of(plan *agreement.Plan) *agreed {
	s.lock.Lock()
	defer s.lock.Unlock()
	d := s.list[plan.Hash]
	if d == nil {
		d = &agreed{Text: document.Describe(plan), Picture: smaller(string(document.Diagram(plan, nil, document.Page)))}
		if s.list == nil || len(s.list) >= 20 {
			s.list = map[string]*agreed{}
		}
		s.list[plan.Hash] = d
	}
	return d
}

var drawnSize = regexp.MustCompile(`width="(\d+)" height="(\d+)"`)

// smaller sets a diagram a little smaller, so that more of it stands beside the text: its smallest text is 10 px high then.
func smaller(svg string) string {
	at := drawnSize.FindStringSubmatchIndex(svg)
	if at == nil {
		return svg
	}
	size := func(i int) int {
		n, _ := strconv.Atoi(svg[at[i]:at[i+1]])
		return n * 10 / 11
	}
	return fmt.Sprintf(`%swidth="%d" height="%d"%s`, svg[:at[0]], size(2), size(4), svg[at[1]:])
}

// showAgreement makes two queries: the roster that every page reads, and the list of versions. The first look at an older version
// reads its text as well.
func showAgreement(a *ask) (answer, error) {
	versions, err := a.site.Store.AgreementVersions(a.Context())
	if err != nil {
		return nil, err
	}
	v, err := a.versionAsked(versions)
	if err != nil {
		return nil, err
	}
	plan := a.plan
	if v.Version != a.version {
		if plan, err = a.site.API.PlanOf(a.Context(), v.Version); err != nil {
			return nil, err
		}
	}
	p := agreementPage{agreed: a.site.shelf.of(plan), Version: v.Version, Since: a.dateOf(v.ActivatedAt), Current: a.version}
	for _, other := range versions {
		p.Versions = append(p.Versions, agreementVersion{
			link:  link{Href: agreementURL(other.Version), Words: "Version " + strconv.FormatInt(other.Version, 10), Current: other.Version == v.Version},
			Since: a.dateOf(other.ActivatedAt), Seal: other.Hash[:min(8, len(other.Hash))]})
	}
	for i, party := range plan.Parties {
		if party.Signatory != "" {
			p.Parties = append(p.Parties, signatory{Side: agreement.Side(i + 1).String(), Name: a.memberName(party.Signatory), Address: party.Address})
		}
	}
	state := fmt.Sprintf("Version %d, in force since %s", p.Version, p.Since)
	if p.Version != p.Current {
		state = fmt.Sprintf("Version %d, as it was from %s", p.Version, p.Since)
	}
	return page{title: "Agreement", body: agreementBody(p), state: state}, nil
}

func agreementURL(version int64) string {
	return "/agreement?version=" + strconv.FormatInt(version, 10)
}

// versionAsked is the version that the address names, or the one that applies.
func (a *ask) versionAsked(versions []store.Agreement) (store.Agreement, error) {
	version := a.version
	if text := a.URL.Query().Get("version"); text != "" {
		var err error
		if version, err = strconv.ParseInt(text, 10, 64); err != nil {
			return store.Agreement{}, errNoVersion
		}
	}
	i := slices.IndexFunc(versions, func(v store.Agreement) bool { return v.Version == version })
	if i < 0 {
		return store.Agreement{}, errNoVersion
	}
	return versions[i], nil
}

var errNoVersion = &failure{status: http.StatusNotFound, title: "There is no such version", text: "The agreement has other versions: open Agreement, and choose one there."}

// agreementSource hands over the file of a version as it was activated.
func agreementSource(a *ask) (answer, error) {
	versions, err := a.site.Store.AgreementVersions(a.Context())
	if err != nil {
		return nil, err
	}
	v, err := a.versionAsked(versions)
	if err != nil {
		return nil, err
	}
	stored, err := a.site.Store.AgreementVersion(a.Context(), v.Version)
	if err != nil {
		return nil, err
	}
	return file{name: fmt.Sprintf("agreement-%d.yaml", v.Version), media: "text/plain; charset=utf-8", write: func(_ context.Context, w http.ResponseWriter) error {
		_, err := w.Write(stored.Source)
		return err
	}}, nil
}

// file is an answer with a file to keep.
type file struct {
	name, media string
	write       func(context.Context, http.ResponseWriter) error
}

func (f file) answer(a *ask) error {
	h := a.w.Header()
	headers(h)
	h.Set("Content-Type", f.media)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(f.name))
	return f.write(a.Context(), a.w)
}

// dateOf writes the day of an instant.
func (a *ask) dateOf(at int64) string { return day(at, a.zone).Format("2 January 2006") }

// memberName is how people know a member: by name where there is one.
func (a *ask) memberName(id string) string {
	if m := a.roster.Member(id); m != nil && m.Name != "" {
		return m.Name
	}
	for i := range a.plan.People {
		if a.plan.People[i].ID == id && a.plan.People[i].Name != "" {
			return a.plan.People[i].Name
		}
	}
	return id
}
