package web

import (
	"cmp"
	"strconv"
	"strings"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// inboxPage is what the viewer is told.
type inboxPage struct {
	New    []inboxRow
	Unread int64 // of all
	UpTo   int64 // the newest of New: what comes later stays unread
	Read   []inboxRow
	More   string
	First  bool // it is the beginning of what was read
}

// inboxRow is something the viewer is told about a lead.
type inboxRow struct {
	ID, Lead, At int64
	Title        string
	Text         string // what to do, or why there is nothing left to do
	Over         bool
	When, Times  string
	Grade        string
	Clause       string // the alert, or what was decided
	Version      int64
	Kind         string
	Gone         bool // the lead is not there any more
}

const (
	mostUnread = 40 // shown at once
	mostOld    = 20 // of what was read, beside them
)

// unreadInbox counts what the viewer has not read.
func unreadInbox(a *ask) (int64, error) {
	u, err := a.site.Store.Unread(a.Context(), a.viewer.Email)
	return u.Count, err
}

// showInbox makes at most six queries beside those of every page: how much is unread, what is, what was read, the leads of both (at
// most 60, asked for at once), their accounts.
func showInbox(a *ask) (answer, error) {
	p := inboxPage{First: a.after() == 0}
	unread, err := a.site.Store.Unread(a.Context(), a.viewer.Email)
	if err != nil {
		return nil, err
	}
	p.Unread = unread.Count
	var list []store.InboxEntry
	if p.First {
		if list, err = a.site.Store.Inbox(a.Context(), a.viewer.Email, store.InboxFilter{Unread: true}, mostUnread); err != nil {
			return nil, err
		}
	}
	read, err := a.site.Store.Inbox(a.Context(), a.viewer.Email, store.InboxFilter{Read: true, Before: a.after()}, mostOld+1)
	if err != nil {
		return nil, err
	}
	if len(read) > mostOld {
		read = read[:mostOld]
		p.More = a.nextPage(read[mostOld-1].Seq)
	}
	if len(list) > 0 {
		p.UpTo = list[0].Seq
	}
	rows, err := a.inboxRows(append(list, read...))
	if err != nil {
		return nil, err
	}
	p.New, p.Read = rows[:len(list)], rows[len(list):]
	return page{title: "Inbox", body: inboxBody(p), live: "inbox", state: a.today()}, nil
}

// inboxRows puts entries into words, of the leads as they stand now.
func (a *ask) inboxRows(list []store.InboxEntry) ([]inboxRow, error) {
	var ids, companies []int64
	for i := range list {
		ids = append(ids, list[i].Lead)
	}
	found, err := a.site.Store.LeadsByID(a.Context(), ids)
	if err != nil {
		return nil, err
	}
	leads := map[int64]*store.ListedLead{}
	for i := range found {
		leads[found[i].ID] = &found[i]
		if found[i].Account != 0 {
			companies = append(companies, found[i].Account)
		}
	}
	records, err := a.site.Store.Accounts(a.Context(), companies)
	if err != nil {
		return nil, err
	}
	accounts := map[int64]*lifecycle.Account{}
	for _, r := range records {
		accounts[r.Account.ID] = r.Account
	}
	rows := make([]inboxRow, len(list))
	for i := range list {
		e := &list[i]
		alert, err := e.Alert()
		if err != nil {
			return nil, err
		}
		r := inboxRow{ID: e.ID, Lead: e.Lead, At: e.At, When: a.clockTime(e.At), Clause: cmp.Or(alert.Alert, alert.Clause), Kind: e.Kind}
		if e.Times > 1 {
			r.Times = strconv.FormatInt(e.Times, 10) + " times"
		}
		plan, view := a.plan, &lifecycle.View{}
		if row := leads[e.Lead]; row != nil {
			if plan, view, err = a.site.API.ViewWith(a.Context(), row, accounts[row.Account]); err != nil {
				return nil, err
			}
			view.Roster = a.roster
			r.Grade, r.Version = row.Grade, row.Version
		}
		r.Gone = view.Lead == nil
		at := a.now.UnixMicro()
		if !r.Gone {
			at = max(at, view.Lead.Clock)
		}
		line := lifecycle.InboxLine(plan, view, &alert, e.At, at)
		r.Title, r.Text = capital(line.Title), strings.Replace(line.Todo, " ("+r.Clause+")", "", 1) // it stands behind the sentence
		// the page of the lead has the reasons as buttons
		r.Text, _, _ = strings.Cut(r.Text, " If it is not for you,")
		if line.Over != "" {
			r.Over, r.Text = true, sentence("Nothing left to do: "+line.Over)
		}
		rows[i] = r
	}
	return rows, nil
}

// readInbox marks what is chosen as read, or all that the page has shown and what is older.
func readInbox(a *ask) (answer, error) {
	upTo, _ := strconv.ParseInt(a.PostFormValue("up_to"), 10, 64)
	var ids []int64
	for _, text := range a.PostForm["entry"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badField("an entry has a number")
		}
		ids = append(ids, id)
	}
	if len(ids) > mostBulk || len(ids) == 0 && upTo <= 0 {
		return nil, badField("choose what you have read")
	}
	n, err := a.site.Store.ReadInbox(a.Context(), a.viewer.Email, ids, upTo, a.now.UnixMicro())
	if err != nil {
		return nil, err
	}
	said := &flash{Who: cmp.Or(a.PostFormValue("who"), counted(int(n), "entry", "entries")), Text: "marked as read"}
	if n == 0 {
		said.Who, said.Text = "Nothing to mark:", "it was read already"
	}
	return redirect{to: a.back("/inbox"), said: said}, nil
}
