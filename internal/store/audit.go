package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// Audit is one thing that somebody did. It is kept, and never changed.
type Audit struct {
	ID, At  int64  // UTC microseconds
	Actor   string // a user's address, "key NAME", "command line"; empty for somebody unknown
	Address string // of the network, empty for none
	Action  string // as "signed in"
	Subject string // whom or what it was done to
	Detail  string
}

// What the store itself puts on record, whoever asks for it.
const (
	MadeKey        = "made a key"
	RevokedKey     = "revoked a key"
	AddedWebhook   = "added a webhook"
	ChangedWebhook = "changed the secret of a webhook"
	EnabledWebhook = "switched a webhook on"
	RemovedWebhook = "removed a webhook"
	SentTest       = "sent a test message"
	RetriedJob     = "tried a message again"
	HurriedJobs    = "tried again what waits"
	SharedFilter   = "shared a filter"
	ChangedFilter  = "changed a shared filter"
	RemovedFilter  = "removed a shared filter"
	Activated      = "activated an agreement"
	SentFile       = "sent a file to import"
	RemovedFile    = "removed a file that was sent"
	Imported       = "imported a file"
	UndidImport    = "undid an import"
	StoppedImport  = "stopped an import"
)

// Actor is who asks for something, for the audit.
type Actor struct {
	Name, Address string
	// Form marks the form that it was asked for with, "" for none. What is put on record with one mark is done once: the second time it
	// is ErrFormTwice, and nothing is done. So nothing has to be kept of a secret that was shown once.
	Form string
}

// ErrFormTwice means that a form was sent a second time: by a reload, a double click, a browser that tries again.
var ErrFormTwice = errors.New("this form was sent before, and what it asks for was done then")

type actorKey struct{}

// As returns a context of what somebody asks for.
func As(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// did is a line of the audit about what the context's actor does.
func did(ctx context.Context, at int64, action, subject, detail string) []Audit {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return []Audit{{At: at, Actor: a.Name, Address: a.Address, Action: action, Subject: subject, Detail: detail}}
}

// Did keeps what the context's actor did.
func (s *Store) Did(ctx context.Context, at int64, action, subject, detail string) error {
	return s.AddAudit(ctx, did(ctx, at, action, subject, detail)...)
}

// AddAudit keeps what somebody did. It does nothing, so the mark of a form is not used up: whoever is refused may send the form again.
func (s *Store) AddAudit(ctx context.Context, list ...Audit) error {
	return s.transact(As(ctx, Actor{}), "keeping the audit", func(ctx context.Context, conn *sql.Conn) error { return insertAudit(ctx, conn, list) })
}

// insertAudit keeps lines of the audit. The first of them has the mark of the context's form.
func insertAudit(ctx context.Context, conn *sql.Conn, list []Audit) error {
	var form any
	if a, _ := ctx.Value(actorKey{}).(Actor); a.Form != "" {
		form = a.Form
	}
	for i := range list {
		a := &list[i]
		done, err := conn.ExecContext(ctx, `INSERT INTO audit (at, actor, address, action, subject, detail, form) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (form) DO NOTHING`,
			a.At, storable(a.Actor), a.Address, a.Action, storable(a.Subject), storable(a.Detail), form)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return ErrFormTwice
		}
		form = nil
	}
	return nil
}

// AuditFilter is what of the audit is asked for; fields with nothing in them say nothing.
type AuditFilter struct {
	Actor, Subject, Action string
	Since                  int64 // UTC microseconds
	Before                 int64 // a number: those with lower ones
}

// Audits returns what was done, the last first, at most so many.
func (s *Reader) Audits(ctx context.Context, f AuditFilter, most int) ([]Audit, error) {
	var c clauses
	c.add("id > ?", 0)
	for _, t := range [...]struct{ condition, text string }{{"actor = ?", f.Actor}, {"subject = ?", f.Subject}, {"action = ?", f.Action}} {
		if t.text != "" {
			c.add(t.condition, storable(t.text))
		}
	}
	if f.Since != 0 {
		c.add("at >= ?", f.Since)
	}
	if f.Before != 0 {
		c.add("id < ?", f.Before)
	}
	c.args = append(c.args, most)
	var list []Audit
	stmt, err := s.queries.get(ctx, `SELECT id, at, actor, address, action, subject, detail FROM audit WHERE `+c.text.String()+` ORDER BY id DESC LIMIT $`+strconv.Itoa(len(c.args)))
	if err == nil {
		err = scanAll(ctx, stmt, c.args, func(r *sql.Rows) error {
			var a Audit
			err := r.Scan(&a.ID, &a.At, &a.Actor, &a.Address, &a.Action, &a.Subject, &a.Detail)
			list = append(list, a)
			return err
		})
	}
	return list, s.explain("reading", err)
}
