package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"baton/internal/seal"
)

// Webhook is where events are sent, signed. Its secret is kept apart: see WebhookSecrets.
type Webhook struct {
	ID          int64
	URL         string
	Events      string // words with spaces between; empty for all
	CreatedAt   int64
	DisabledAt  int64 // 0 for not
	DisabledWhy string
	OldUntil    int64 // until when the secret before signs too; 0 if there was none, or its time is over
}

// webhookMost is how many webhooks there may be, so that the jobs of an input have numbers.
const webhookMost = 100

// sealedFor and the address is where a secret opens: nobody who can write to the database can have another address signed for.
const sealedFor = "webhook "

// Errors of webhooks.
var (
	ErrNoWebhook    = errors.New("there is no such webhook")
	ErrManyWebhooks = fmt.Errorf("there are %d webhooks already; remove one first", webhookMost)
	ErrRotating     = errors.New("its secret was changed lately, and the one before still signs; wait for its time to be over, or end it at once")
)

// AddWebhook keeps a webhook, its secret sealed, and returns its number.
func (s *Store) AddWebhook(ctx context.Context, keys *seal.Keys, w Webhook, secret string) (id int64, err error) {
	var refused error
	err = s.transact(ctx, "keeping a webhook", func(ctx context.Context, conn *sql.Conn) error {
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM endpoint`).Scan(&n); err != nil {
			return err
		} else if n >= webhookMost {
			refused = ErrManyWebhooks
			return refused
		}
		var text string
		if text, refused = keys.Seal(sealedFor+w.URL, secret); refused != nil {
			return refused
		}
		if err := conn.QueryRowContext(ctx, `INSERT INTO endpoint (url, secret, events, created_at, disabled_at, disabled_why) VALUES ($1, $2, $3, $4, 0, '') RETURNING id`,
			w.URL, text, w.Events, w.CreatedAt).Scan(&id); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, w.CreatedAt, AddedWebhook, "webhook "+strconv.FormatInt(id, 10), w.URL))
	})
	if refused != nil {
		err = fmt.Errorf("keeping a webhook: %w", refused)
	}
	return id, err
}

// RotateWebhook gives a webhook another secret. The one before signs beside it until an instant, so that the receiver can
// change when it suits; until now or before, it signs no more at all. While two sign, only that can be changed (ErrRotating).
func (s *Store) RotateWebhook(ctx context.Context, keys *seal.Keys, id int64, secret string, now, until int64) error {
	var refused error
	err := s.transact(ctx, "changing the secret of a webhook", func(ctx context.Context, conn *sql.Conn) error {
		var url, old string
		var oldUntil int64
		if err := conn.QueryRowContext(ctx, `SELECT url, secret, old_until FROM endpoint WHERE id = $1`, id).Scan(&url, &old, &oldUntil); err != nil {
			return err
		}
		if until <= now {
			old, until = "", 0
		} else if oldUntil > now {
			refused = ErrRotating
			return refused
		}
		var text string
		if text, refused = keys.Seal(sealedFor+url, secret); refused != nil {
			return refused
		}
		if _, err := conn.ExecContext(ctx, `UPDATE endpoint SET secret = $1, old_secret = $2, old_until = $3 WHERE id = $4`, text, old, until, id); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, now, ChangedWebhook, "webhook "+strconv.FormatInt(id, 10), url))
	})
	if errors.Is(err, sql.ErrNoRows) {
		refused = ErrNoWebhook
	}
	if refused != nil {
		return fmt.Errorf("changing the secret of webhook %d: %w", id, refused)
	}
	return err
}

// WebhookSecrets returns the secrets that sign for a webhook at an instant, the newest first.
func (s *Reader) WebhookSecrets(ctx context.Context, keys *seal.Keys, id, now int64) ([]string, error) {
	var url string
	var texts [2]string
	var oldUntil int64
	if err := s.one(ctx, `SELECT url, secret, old_secret, old_until FROM endpoint WHERE id = $1`, []any{id}, &url, &texts[0], &texts[1], &oldUntil); errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading the secret of webhook %d: %w", id, ErrNoWebhook)
	} else if err != nil {
		return nil, s.explain("reading", err)
	}
	var list []string
	for i, text := range texts {
		if i == 1 && (text == "" || oldUntil <= now) {
			break
		}
		secret, err := keys.Open(sealedFor+url, text)
		if err != nil && i == 0 {
			return nil, fmt.Errorf("signing for webhook %d: %w", id, err)
		}
		if err == nil {
			list = append(list, secret)
		}
	}
	return list, nil
}

// forgetOldSecrets takes away secrets whose time is over.
func forgetOldSecrets(ctx context.Context, conn *sql.Conn, now int64) error {
	_, err := conn.ExecContext(ctx, `UPDATE endpoint SET old_secret = '', old_until = 0 WHERE old_until <> 0 AND old_until <= $1`, now)
	return err
}

// RemoveWebhook forgets a webhook. What waits for another try there is dropped.
func (s *Store) RemoveWebhook(ctx context.Context, id, at int64) error {
	return s.changeWebhook(ctx, "removing", RemovedWebhook, `DELETE FROM endpoint WHERE id = $1 RETURNING url`, id, at,
		`UPDATE job SET state = 'dropped', next_try = NULL, last_error = 'this webhook is not there any more' WHERE state = 'waiting' AND attempts > 0 AND endpoint = $1`,
		`DELETE FROM reach WHERE endpoint = $1`)
}

// EnableWebhook has a webhook that was switched off get events again, from now on.
func (s *Store) EnableWebhook(ctx context.Context, id, at int64) error {
	return s.changeWebhook(ctx, "switching on", EnabledWebhook, `UPDATE endpoint SET disabled_at = 0, disabled_why = '' WHERE id = $1 RETURNING url`, id, at,
		`UPDATE reach SET failing_since = 0 WHERE endpoint = $1`)
}

// changeWebhook makes a change by the number of a webhook, then what follows by its endpoint.
func (s *Store) changeWebhook(ctx context.Context, doing, done, text string, id, at int64, follow ...string) error {
	err := s.transact(ctx, doing+" a webhook", func(ctx context.Context, conn *sql.Conn) error {
		var url string
		if err := conn.QueryRowContext(ctx, text, id).Scan(&url); err != nil {
			return err
		}
		for _, f := range follow {
			if _, err := conn.ExecContext(ctx, f, WebhookEndpoint(id)); err != nil {
				return err
			}
		}
		return insertAudit(ctx, conn, did(ctx, at, done, WebhookEndpoint(id), url))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s webhook %d: %w", doing, id, ErrNoWebhook)
	}
	return err
}

// Webhooks returns all webhooks, by number, without their secrets.
func (s *Reader) Webhooks(ctx context.Context) ([]Webhook, error) {
	var list []Webhook
	stmt, err := s.queries.get(ctx, `SELECT id, url, events, created_at, disabled_at, disabled_why, old_until FROM endpoint ORDER BY id`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var w Webhook
			err := r.Scan(&w.ID, &w.URL, &w.Events, &w.CreatedAt, &w.DisabledAt, &w.DisabledWhy, &w.OldUntil)
			list = append(list, w)
			return err
		})
	}
	return list, s.explain("reading", err)
}
