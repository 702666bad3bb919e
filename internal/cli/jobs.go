package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"baton/internal/api"
	"baton/internal/channel"
	"baton/internal/seal"
	"baton/internal/store"
)

// jobsCommand shows what has to go out.
type jobsCommand struct {
	database
	Failed  bool   `help:"Only what could not be delivered."`
	State   string `help:"Only those that are waiting, sending, done, failed or dropped." enum:",waiting,sending,done,failed,dropped" default:""`
	Lead    string `help:"Only those about a lead." placeholder:"LEAD"`
	By      string `help:"Only those by email, slack or teams." enum:",email,slack,teams" default:""`
	Webhook int64  `help:"Only those for a webhook." placeholder:"NUMBER"`
	Most    int    `help:"How many, the newest first." default:"50"`
	Retry   int64  `help:"Have one that failed or was dropped tried again." placeholder:"ID"`
}

func (c *jobsCommand) Run(r *run) error {
	if c.Retry != 0 {
		return c.retry(r)
	}
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	state := c.State
	if c.Failed {
		state = store.JobFailed
	}
	var lead int64
	if c.Lead != "" {
		if lead, err = findLead(r, st, c.Lead); err != nil {
			return err
		}
	}
	list, err := st.Jobs(r.ctx, store.JobFilter{State: state, Lead: lead, Channel: c.By, Webhook: c.Webhook}, max(1, c.Most))
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"job", "event", "lead", "to", "by", "state", "tries", "next try", "waits for", "delivered", "last error"}}
	for i := range list {
		j := &list[i]
		next := minute(j.NextTry, "")
		if j.State == store.JobSending {
			next = ""
		}
		wait, note := j.Wait, j.LastError
		if j.State != store.JobWaiting || j.Attempts > 0 {
			wait = ""
		}
		if j.CarriedBy != 0 && j.State == store.JobDone {
			note = fmt.Sprintf("in the message of %d", j.CarriedBy)
		}
		t.Rows = append(t.Rows, []any{j.ID, j.Kind, j.Lead, cmp.Or(j.Recipient, "all webhooks"), j.Channel, j.State, j.Attempts, next, wait, minute(j.DeliveredAt, ""), note})
	}
	none := "No alerts yet. They come with hand-offs and deadlines, as the agreement has it, while baton serve runs."
	if state != "" || lead != 0 || c.By != "" || c.Webhook != 0 {
		none = "No alert is like that. All of them: baton jobs --db " + quoteShell(c.name())
	}
	return r.list(t, none)
}

func (c *jobsCommand) retry(r *run) error {
	st, err := c.existing(r)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.RetryJob(r.ctx, c.Retry, r.now()); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Job %d is tried again: at once if a server runs on %s, else when one does.\n", c.Retry, c.name())
	return st.Close()
}

type webhookCommand struct {
	Add    webhookAddCommand    `cmd:"" help:"Have events sent to an address. Prints the secret that signs them, once."`
	Rotate webhookRotateCommand `cmd:"" help:"Give an address another secret. Prints it, once; the one before signs too for a while."`
	List   webhookListCommand   `cmd:"" help:"List the addresses, without their secrets."`
	Enable webhookEnableCommand `cmd:"" help:"Have events sent again to an address that was switched off."`
	Remove webhookRemoveCommand `cmd:"" help:"Forget an address."`
}

// sealed opens the database for keeping a secret, and says afterwards if that made the key.
func (k *sealKey) sealed(r *run, db *database, open func(*run) (*store.Store, error), do func(*store.Store, *seal.Keys) error) error {
	st, err := open(r)
	if err != nil {
		return err
	}
	defer st.Close()
	_, before := os.Stat(db.DB + ".key")
	keys, err := k.keys(db)
	if err == nil {
		err = do(st, keys)
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(db.DB + ".key"); before != nil && err == nil {
		fmt.Fprintf(r.Err, "The key that seals secrets is in %s.key. Keep a copy of it, apart from copies of the database.\n", db.DB)
	}
	return st.Close()
}

type webhookAddCommand struct {
	database
	sealKey
	outbound
	URL    string `arg:"" help:"https address that takes a POST."`
	Events string `help:"The events it wants, with spaces between; all if there are none." placeholder:"EVENTS"`
}

func (c *webhookAddCommand) Run(r *run) error {
	guard, err := c.guard()
	if err != nil {
		return err
	}
	wanted := strings.Fields(strings.ReplaceAll(c.Events, ",", " "))
	if err := api.CheckWebhook(guard, c.URL, wanted); err != nil {
		return fmt.Errorf("adding a webhook: %w", err)
	}
	secret, err := channel.NewSecret(rand.Reader)
	if err != nil {
		return err
	}
	return c.sealed(r, &c.database, c.beside, func(st *store.Store, keys *seal.Keys) error {
		id, err := st.AddWebhook(r.ctx, keys, store.Webhook{URL: c.URL, Events: strings.Join(wanted, " "), CreatedAt: r.now()}, secret)
		if err != nil {
			return err
		}
		fmt.Fprintln(r.Out, secret)
		if r.Terminal {
			fmt.Fprintf(r.Err, "Webhook %d. Keep the secret now: it cannot be shown again. Events go there if an alert of the agreement has by: webhook.\n", id)
		}
		return nil
	})
}

type webhookRotateCommand struct {
	database
	sealKey
	ID  int64         `arg:"" help:"Its number; see: baton webhook list."`
	For time.Duration `help:"How long the secret before signs too; 0 for no more at all, if it has become known." default:"24h"`
}

func (c *webhookRotateCommand) Run(r *run) error {
	if c.For != 0 {
		if err := bounded("for", c.For, time.Minute, 90*24*time.Hour); err != nil {
			return err
		}
	}
	secret, err := channel.NewSecret(rand.Reader)
	if err != nil {
		return err
	}
	return c.sealed(r, &c.database, c.existing, func(st *store.Store, keys *seal.Keys) error {
		until := r.now() + c.For.Microseconds()
		if err := st.RotateWebhook(r.ctx, keys, c.ID, secret, r.now(), until); errors.Is(err, store.ErrRotating) {
			return fmt.Errorf("%w: --for 0", err)
		} else if err != nil {
			return err
		}
		fmt.Fprintln(r.Out, secret)
		switch {
		case c.For == 0:
			fmt.Fprintf(r.Err, "The secret before signs no more: webhook %d is refused until its receiver has this one.\n", c.ID)
		default:
			fmt.Fprintf(r.Err, "Webhook %d is signed with this and the secret before until %s. Give this one to its receiver by then.\n", c.ID, minute(until, ""))
		}
		return nil
	})
}

type webhookListCommand struct{ database }

func (c *webhookListCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := st.Webhooks(r.ctx)
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"webhook", "address", "events", "added", "two secrets until", "switched off", "why"}}
	for _, h := range list {
		t.Rows = append(t.Rows, []any{h.ID, h.URL, cmp.Or(h.Events, "all"), minute(h.CreatedAt, ""), minute(h.OldUntil, ""), minute(h.DisabledAt, ""), h.DisabledWhy})
	}
	return r.list(t, "There are no webhooks yet. Add one: baton webhook add https://… --db "+quoteShell(c.name()))
}

type webhookEnableCommand struct {
	database
	ID int64 `arg:"" help:"Its number; see: baton webhook list."`
}

func (c *webhookEnableCommand) Run(r *run) error {
	return changeWebhook(r, &c.database, func(st *store.Store) error { return st.EnableWebhook(r.ctx, c.ID, r.now()) }, "Webhook %d is sent events again.\n", c.ID)
}

type webhookRemoveCommand struct {
	database
	ID int64 `arg:"" help:"Its number; see: baton webhook list."`
}

func (c *webhookRemoveCommand) Run(r *run) error {
	return changeWebhook(r, &c.database, func(st *store.Store) error { return st.RemoveWebhook(r.ctx, c.ID, r.now()) }, "Webhook %d is forgotten.\n", c.ID)
}

func changeWebhook(r *run, db *database, change func(*store.Store) error, done string, id int64) error {
	st, err := db.existing(r)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := change(st); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, done, id)
	return st.Close()
}
