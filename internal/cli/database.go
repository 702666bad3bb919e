package cli

import (
	"errors"
	"fmt"
	"slices"

	"baton/internal/app"
	"baton/internal/store"
)

type migrateCommand struct{ database }

func (c *migrateCommand) Run(r *run) error {
	if !c.there() {
		return fmt.Errorf("%s is not there; a new database is made up to date when it is first used", c.name())
	}
	before, after, err := store.Migrate(r.ctx, c.DB)
	switch {
	case err != nil:
		return err
	case before == after:
		fmt.Fprintf(r.Out, "%s is up to date: its tables have number %d\n", c.name(), after)
	default:
		fmt.Fprintf(r.Out, "%s is up to date now: its tables had number %d and have number %d\n", c.name(), before, after)
	}
	return nil
}

type backupCommand struct {
	database
	To string `arg:"" help:"The file to make." placeholder:"FILE"`
}

func (c *backupCommand) Run(r *run) error {
	if err := store.Backup(r.ctx, c.DB, c.To); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%s is a whole copy of %s. To look into it: baton query --db %s 'SELECT count(*) FROM leads'\n", c.To, c.name(), quoteShell(c.To))
	return nil
}

type moveCommand struct {
	From string `help:"The database to copy; nobody may write to it meanwhile." required:"" placeholder:"DB"`
	To   string `help:"The database to fill; it must be empty." required:"" placeholder:"DB"`
}

func (c *moveCommand) Run(r *run) (err error) {
	if from := (database{c.From}); !from.there() {
		return fmt.Errorf("%s is not there", c.From)
	}
	from, err := app.Open(r.ctx, app.Options{DB: c.From})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := store.Open(r.ctx, c.To)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	moved, err := from.Store.MoveTo(r.ctx, to)
	if err != nil {
		return err
	}
	var total int64
	t := &store.Table{Columns: []string{"table", "rows"}}
	for _, m := range moved {
		total += m.Rows
		t.Rows = append(t.Rows, []any{m.Table, m.Rows})
	}
	if err := r.grid(t); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%s, read back and the same. From now on: --db %s\n", count(total, "row", "rows"), quoteShell(to.Name()))
	hooks, err := to.Webhooks(r.ctx)
	users, userErr := to.Users(r.ctx)
	if err == nil {
		err = userErr
	}
	if err == nil && (len(hooks) > 0 || slices.ContainsFunc(users, func(u store.User) bool { return u.TOTP != "" })) {
		fmt.Fprintln(r.Out, "The secrets of its webhooks and second factors are sealed with the key of the database before. Take it along: as FILE.key beside a SQLite file, as seal-key otherwise.")
	}
	return err
}
