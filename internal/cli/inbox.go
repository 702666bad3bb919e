package cli

import (
	"fmt"

	"baton/internal/store"
)

// inboxCommand shows what a member is told, and marks it as read.
type inboxCommand struct {
	database
	Member string `arg:"" help:"The member's ID: an e-mail address."`
	Unread bool   `help:"Only what is not read."`
	Read   bool   `help:"Mark what is shown as read."`
	Most   int    `help:"How many, the newest first." default:"50"`
}

func (c *inboxCommand) Run(r *run) error {
	open := func() (*store.Store, error) { return store.OpenReadOnly(r.ctx, c.DB) }
	if c.Read {
		open = func() (*store.Store, error) { return c.existing(r) }
	}
	st, err := open()
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := st.Inbox(r.ctx, c.Member, store.InboxFilter{Unread: c.Unread}, max(1, c.Most))
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"entry", "event", "about", "lead", "name", "times", "last", "read"}}
	ids := []int64{}
	for i := range list {
		e := &list[i]
		name := ""
		if row, err := st.LeadByID(r.ctx, e.Lead); err == nil {
			name = row.Name
		}
		t.Rows = append(t.Rows, []any{e.ID, e.Kind, e.Name, e.Lead, name, e.Times, minute(e.At, ""), minute(e.ReadAt, "")})
		ids = append(ids, e.ID)
	}
	if err := r.list(t, "Nothing to read for "+c.Member+". What comes here is what alerts of the agreement have by: inbox."); err != nil {
		return err
	}
	if c.Read && len(ids) > 0 {
		n, err := st.ReadInbox(r.ctx, c.Member, ids, 0, r.now())
		if err != nil {
			return err
		}
		fmt.Fprintln(r.Out, count(n, "entry", "entries")+" marked as read.")
	}
	return nil
}
