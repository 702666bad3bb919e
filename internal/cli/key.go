package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"baton/internal/api"
	"baton/internal/store"
)

type keyCommand struct {
	New    keyNewCommand    `cmd:"" help:"Make a key and print it, alone, once."`
	List   keyListCommand   `cmd:"" help:"List the keys, without the keys themselves."`
	Revoke keyRevokeCommand `cmd:"" help:"End a key, within a few seconds."`
}

// openForKeys opens a database whether or not a server runs on it.
func openForKeys(ctx context.Context, path string) (*store.Store, error) {
	st, err := store.Open(ctx, path)
	if errors.Is(err, store.ErrInUse) {
		return store.OpenBeside(ctx, path)
	}
	return st, err
}

type keyNewCommand struct {
	database
	Scope string `help:"What the key may do: track (send events and forms), read (the REST API), write (read, and all that people do), admin (write, keys and the agreement)." enum:"track,read,write,admin" default:"track"`
	Name  string `help:"Who uses it. Keys of one name are one sender, so that one can take the place of another." default:"default"`
}

func (c *keyNewCommand) Run(r *run) error {
	st, err := openForKeys(r.ctx, c.DB)
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
	if len(keys) == 0 {
		fmt.Fprintf(r.Out, "There are no keys yet. Make one: baton key new --db %s --scope track\n", c.name())
		return nil
	}
	w := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSCOPE\tMADE\tLAST USED\tREVOKED")
	for _, k := range keys {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Scope, minute(k.CreatedAt, ""), minute(k.UsedAt, "never"), minute(k.RevokedAt, ""))
	}
	return w.Flush()
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
	if !c.there() {
		return fmt.Errorf("opening database %s: there is no such file", c.DB)
	}
	st, err := openForKeys(r.ctx, c.DB)
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
