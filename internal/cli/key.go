package cli

import (
	"fmt"
	"time"

	"baton/internal/api"
	"baton/internal/store"
)

type keyCommand struct {
	New    keyNewCommand    `cmd:"" help:"Make a key and print it, alone, once."`
	List   keyListCommand   `cmd:"" help:"List the keys, without the keys themselves."`
	Revoke keyRevokeCommand `cmd:"" help:"End a key, within a few seconds."`
}

type keyNewCommand struct {
	database
	Scope string `help:"What the key may do: track (send events and forms), read (the REST API), write (read, and all that people do), admin (write, keys and the agreement)." enum:"track,read,write,admin" default:"track"`
	Name  string `help:"Who uses it. Keys of one name are one sender, so that one can take the place of another." default:"default"`
}

func (c *keyNewCommand) Run(r *run) error {
	st, err := c.beside(r)
	if err != nil {
		return err
	}
	defer st.Close()
	secret, key, err := api.NewKey(r.ctx, st, c.Name, c.Scope, r.now())
	if err != nil {
		return err
	}
	fmt.Fprintln(r.Out, secret)
	if r.Terminal {
		fmt.Fprintf(r.Err, "Key %d, %s. Keep it now: it cannot be shown again.\n", key.ID, key.Name)
	}
	return st.Close()
}

type keyListCommand struct{ database }

func (c *keyListCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	keys, err := st.APIKeys(r.ctx)
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"key", "name", "scope", "made", "last used", "revoked"}}
	for _, k := range keys {
		t.Rows = append(t.Rows, []any{k.ID, k.Name, k.Scope, minute(k.CreatedAt, ""), minute(k.UsedAt, "never"), minute(k.RevokedAt, "")})
	}
	return r.list(t, "There are no keys yet. Make one: baton key new --db "+quoteShell(c.name())+" --scope track")
}

func minute(at int64, otherwise string) string {
	if at == 0 {
		return otherwise
	}
	return time.UnixMicro(at).UTC().Format("2006-01-02 15:04Z")
}

type keyRevokeCommand struct {
	database
	ID int64 `arg:"" help:"Number of the key; see: baton key list."`
}

func (c *keyRevokeCommand) Run(r *run) error {
	st, err := c.existing(r)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.RevokeKey(r.ctx, c.ID, r.now()); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Key %d is revoked. A server that runs now lets it in for a few seconds more.\n", c.ID)
	return st.Close()
}
