package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Webhook is where events are sent, signed.
type Webhook struct {
	ID          int64
	URL, Secret string
	Events      string // words with spaces between; empty for all
	CreatedAt   int64
	DisabledAt  int64 // 0 for not
	DisabledWhy string
}

// webhookMost is how many webhooks there may be, so that the jobs of an input have numbers.
const webhookMost = 100

// Errors of webhooks.
var (
	ErrNoWebhook    = errors.New("there is no such webhook")
	ErrManyWebhooks = fmt.Errorf("there are %d webhooks already; remove one first", webhookMost)
)

// AddWebhook keeps a webhook and returns its number.
func (s *Store) AddWebhook(ctx context.Context, w Webhook) (id int64, err error) {
	err = s.transact(ctx, "keeping a webhook", func(ctx context.Context, conn *sql.Conn) error {
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM endpoint`).Scan(&n); err != nil {
			return err
		} else if n >= webhookMost {
			return ErrManyWebhooks
		}
		return conn.QueryRowContext(ctx, `INSERT INTO endpoint (url, secret, events, created_at, disabled_at, disabled_why) VALUES ($1, $2, $3, $4, 0, '') RETURNING id`,
			w.URL, w.Secret, w.Events, w.CreatedAt).Scan(&id)
	})
	return id, err
}

// RemoveWebhook forgets a webhook.
func (s *Store) RemoveWebhook(ctx context.Context, id int64) error {
	return s.changeWebhook(ctx, "removing", `DELETE FROM endpoint WHERE id = $1 RETURNING id`, id)
}

// EnableWebhook has a webhook that was switched off get events again, from now on.
func (s *Store) EnableWebhook(ctx context.Context, id int64) error {
	return s.changeWebhook(ctx, "switching on", `UPDATE endpoint SET disabled_at = 0, disabled_why = '' WHERE id = $1 RETURNING id`, id)
}

func (s *Store) changeWebhook(ctx context.Context, doing, text string, id int64) error {
	var there int64
	err := s.transact(ctx, doing+" a webhook", func(ctx context.Context, conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, text, id).Scan(&there)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s webhook %d: %w", doing, id, ErrNoWebhook)
	}
	return err
}

// Webhooks returns all webhooks, by number.
func (s *Reader) Webhooks(ctx context.Context) ([]Webhook, error) {
	var list []Webhook
	stmt, err := s.queries.get(ctx, `SELECT id, url, secret, events, created_at, disabled_at, disabled_why FROM endpoint ORDER BY id`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var w Webhook
			err := r.Scan(&w.ID, &w.URL, &w.Secret, &w.Events, &w.CreatedAt, &w.DisabledAt, &w.DisabledWhy)
			list = append(list, w)
			return err
		})
	}
	return list, s.explain("reading", err)
}
