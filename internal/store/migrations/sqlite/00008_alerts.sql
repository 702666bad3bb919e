-- +goose Up

-- Secrets are sealed with a key that is kept outside the database. What was kept in the clear signs nothing any more. After a
-- change the old secret signs too, until old_until.
ALTER TABLE endpoint ADD COLUMN old_secret TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoint ADD COLUMN old_until INTEGER NOT NULL DEFAULT 0;
UPDATE endpoint SET secret = '';

DROP VIEW webhooks;
CREATE VIEW webhooks AS
SELECT id, url, events, datetime(created_at / 1000000, 'unixepoch') AS created_at, datetime(nullif(disabled_at, 0) / 1000000, 'unixepoch') AS disabled_at, disabled_why,
    datetime(nullif(old_until, 0) / 1000000, 'unixepoch') AS old_secret_until FROM endpoint;
