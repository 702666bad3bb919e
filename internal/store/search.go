package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"baton/internal/identity"
)

// What a row of name_word is of.
const (
	wordOfLead    = 1
	wordOfAccount = 2
)

// nameWords are the words by which a name is searched.
func nameWords(name string) []string {
	words := strings.Fields(identity.FoldName(name))
	slices.Sort(words)
	return slices.Compact(words)
}

// appendWords appends the rows of name_word for a name.
func appendWords(to rows, kind, id int64, name string) rows {
	for _, w := range nameWords(name) {
		if len(w) <= 60 { // what is longer is no name
			to = append(to, w, kind, id)
		}
	}
	return to
}

// Found is what a search has found.
type Found struct {
	Leads    []ListedLead
	Accounts []FoundAccount
	More     bool // there is more than that
}

// FoundAccount is an account that was found.
type FoundAccount struct {
	ListedAccount
	Leads int64 // how many belong to it
}

// mostCandidates is how many names beginning with a word are looked at: a single letter begins many.
const mostCandidates = 400

const (
	searchLeads = `SELECT w.id, l.name, coalesce(a.name, '') FROM name_word w CROSS JOIN lead l LEFT JOIN account a ON a.id = l.account
		WHERE l.id = w.id AND w.kind = 1 AND w.word >= $1 AND w.word < $2 ORDER BY w.word LIMIT $3`
	searchAccounts = `SELECT w.id, a.name, '' FROM name_word w CROSS JOIN account a
		WHERE a.id = w.id AND w.kind = 2 AND w.word >= $1 AND w.word < $2 ORDER BY w.word LIMIT $3`
	searchEmails  = `SELECT lead, '', '' FROM key WHERE kind = 1 AND value >= $1 AND value < $2 ORDER BY value LIMIT $3`
	searchDomains = `SELECT id, '', '' FROM account WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3`
)

// Search finds leads by the beginnings of words of their names and of their e-mail addresses, accounts by those of their names and
// domains, and the leads of these accounts: at most so many of each, up to 50. It makes at most nine queries, whatever is asked
// for, and looks at no more than some hundred names.
func (s *Store) Search(ctx context.Context, text string, most int) (*Found, error) {
	words, address := searched(text)
	if len(words) == 0 {
		return &Found{}, nil
	}
	out, err := s.search(ctx, address, words, min(most, 50))
	return out, s.explain("searching", err)
}

func (s *Store) search(ctx context.Context, address string, words []string, most int) (*Found, error) {
	m, err := s.matches(ctx, address, words, most, mostCandidates)
	if err != nil {
		return nil, err
	}
	out := &Found{More: m.moreLeads || m.moreAccounts}
	if out.Accounts, err = s.FoundAccounts(ctx, m.accounts); err != nil {
		return nil, err
	}
	collect := func(r *sql.Rows) error {
		v, err := scanLead(r)
		if err == nil && !slices.ContainsFunc(out.Leads, func(l ListedLead) bool { return l.ID == v.ID }) {
			out.Leads = append(out.Leads, v)
		}
		return err
	}
	if err := each(ctx, s.Reader, `SELECT `+listedColumns+` WHERE `, numbered("l.id"), ``, anys(m.leads), collect); err != nil {
		return nil, err
	}
	if len(out.Leads) < most && len(out.Accounts) > 0 { // the people of the companies
		ids := make([]any, len(out.Accounts))
		for i := range out.Accounts {
			ids[i] = out.Accounts[i].ID
		}
		if err := each(ctx, s.Reader, `SELECT `+listedColumns+` WHERE l.account <> 0 AND `, numbered("l.account"), ` LIMIT 51`, ids, collect); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.Leads, func(a, b ListedLead) int { return cmp.Or(rank(&a, words)-rank(&b, words), cmp.Compare(a.ID, b.ID)) })
	if len(out.Leads) > most {
		out.Leads, out.More = out.Leads[:most], true
	}
	if len(out.Accounts) > most {
		out.Accounts, out.More = out.Accounts[:most], true
	}
	return out, nil
}

// SearchAll returns the IDs of all leads and accounts that Search finds at its beginning, in their order: at most so many of each, and whether
// there are more. It reads all names that begin so, and is for taking a list out.
func (s *Store) SearchAll(ctx context.Context, text string, most int) (leads, accounts []int64, more bool, err error) {
	words, address := searched(text)
	if len(words) == 0 {
		return nil, nil, false, nil
	}
	m, err := s.matches(ctx, address, words, most, math.MaxInt32)
	if err != nil {
		return nil, nil, false, s.explain("searching", err)
	}
	leads = m.leads
	err = each(ctx, s.Reader, `SELECT id FROM lead WHERE account <> 0 AND `, numbered("account"), ``, anys(m.accounts), func(r *sql.Rows) error { // the people of the companies
		var id int64
		if err := r.Scan(&id); err != nil {
			return err
		}
		if leads = append(leads, id); len(leads) > 2*most {
			if leads = alone(leads); len(leads) > most {
				return errEnough
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, nil, false, s.explain("searching", err)
	}
	leads = alone(leads)
	return leads[:min(len(leads), most)], m.accounts, m.moreLeads || m.moreAccounts || len(leads) > most, nil
}

// errEnough ends the reading of a list that is longer than is wanted.
var errEnough = errors.New("there is more, and this is enough")

// searched are the words of a search, the longest first, which finds fewest, and the address that it may be; none for what can find nothing.
func searched(text string) (words []string, address string) {
	if len(text) > 200 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, ""
	}
	words = nameWords(text)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words, strings.ToLower(strings.TrimSpace(text))
}

// matched are the IDs of leads and accounts that a search is about, each once and in their order, and whether there may be more.
type matched struct {
	leads, accounts         []int64
	moreLeads, moreAccounts bool
}

// matches finds leads and accounts by their names, so many of each, and as many again by their addresses. It looks at so many names that begin
// with a word.
func (s *Store) matches(ctx context.Context, address string, words []string, most, candidates int) (m matched, err error) {
	find := func(to *[]int64, more *bool, query, prefix string, candidates int, fits func(name, account string) bool) {
		if err != nil {
			return
		}
		ids, cut, failed := s.find(ctx, query, prefix, most, candidates, fits)
		err = failed
		*to, *more = append(*to, ids...), *more || cut
	}
	for _, w := range words[:min(2, len(words))] { // the other one may be the company's
		find(&m.leads, &m.moreLeads, searchLeads, w, candidates, func(name, account string) bool { return startsWords(words, name+" "+account) })
	}
	find(&m.accounts, &m.moreAccounts, searchAccounts, words[0], candidates, func(name, _ string) bool { return startsWords(words, name) })
	if m.leads = alone(m.leads); len(m.leads) > most {
		m.leads, m.moreLeads = m.leads[:most], true
	}
	if !strings.ContainsAny(address, " \t") {
		any := func(string, string) bool { return true }
		find(&m.leads, &m.moreLeads, searchEmails, address, most+1, any)
		find(&m.accounts, &m.moreAccounts, searchDomains, address, most+1, any)
	}
	m.leads, m.accounts = alone(m.leads), alone(m.accounts)
	if len(m.accounts) > most {
		m.accounts, m.moreAccounts = m.accounts[:most], true
	}
	return m, err
}

// rank orders what was found: who is under way before who has ended, names with the very word before those that begin with it.
func rank(r *ListedLead, words []string) int {
	n := 0
	if r.Outcome != "" {
		n += 4
	}
	switch name := nameWords(r.Name); {
	case slices.Contains(name, words[0]):
	case startsWords(words[:1], r.Name):
		n++
	default:
		n += 2
	}
	return n
}

// startsWords reports whether each of some words begins a word of a name.
func startsWords(words []string, name string) bool {
	have := nameWords(name)
	for _, w := range words {
		if i, _ := slices.BinarySearch(have, w); i == len(have) || !strings.HasPrefix(have[i], w) {
			return false
		}
	}
	return true
}

// find returns the IDs of what begins with a prefix and fits, each once and in their order: at most so many, and whether there may be more
// than that, or than the candidates that were looked at.
func (s *Store) find(ctx context.Context, query, prefix string, most, candidates int, fits func(name, account string) bool) (ids []int64, cut bool, err error) {
	stmt, err := s.queries.get(ctx, query)
	if err != nil {
		return nil, false, err
	}
	looked, seen := 0, map[int64]bool{}
	err = scanAll(ctx, stmt, []any{prefix, prefix + "\U0010FFFF", candidates}, func(r *sql.Rows) error {
		var id int64
		var name, account string
		if err := r.Scan(&id, &name, &account); err != nil {
			return err
		}
		looked++
		if seen[id] || !fits(name, account) {
			return nil
		}
		if len(ids) == most {
			return errEnough
		}
		seen[id] = true
		ids = append(ids, id)
		return nil
	})
	if errors.Is(err, errEnough) {
		return ids, true, nil
	}
	return ids, looked == candidates, err
}

// alone returns IDs sorted, each once.
func alone(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// FoundAccounts returns the accounts with these IDs, those with most people first.
func (s *Store) FoundAccounts(ctx context.Context, ids []int64) (list []FoundAccount, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = each(ctx, s.Reader, `SELECT id, key, name, owner, attributes FROM account WHERE `, numbered("id"), ``, anys(ids), func(r *sql.Rows) error {
		var a FoundAccount
		err := r.Scan(&a.ID, &a.Key, &a.Name, &a.Owner, &a.Attributes)
		if !slices.ContainsFunc(list, func(b FoundAccount) bool { return b.ID == a.ID }) {
			list = append(list, a)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, s.Reader, `SELECT account, count(*) FROM lead WHERE account <> 0 AND `, numbered("account"), ` GROUP BY account`, anys(ids), func(r *sql.Rows) error {
		var id, n int64
		err := r.Scan(&id, &n)
		for i := range list {
			if list[i].ID == id {
				list[i].Leads = n
			}
		}
		return err
	})
	slices.SortFunc(list, func(a, b FoundAccount) int { return cmp.Or(cmp.Compare(b.Leads, a.Leads), cmp.Compare(a.ID, b.ID)) })
	return list, err
}
