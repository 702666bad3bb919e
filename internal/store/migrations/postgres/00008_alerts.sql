-- +goose Up

-- Secrets are sealed with a key that is kept outside the database. What was kept in the clear signs nothing any more. After a
-- change the old secret signs too, until old_until.
ALTER TABLE endpoint ADD COLUMN old_secret TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoint ADD COLUMN old_until BIGINT NOT NULL DEFAULT 0;
UPDATE endpoint SET secret = '';

DROP VIEW webhooks;
CREATE VIEW webhooks AS
SELECT id, url, events, instant_text(created_at) AS created_at, instant_text(nullif(disabled_at, 0)) AS disabled_at, disabled_why,
    instant_text(nullif(old_until, 0)) AS old_secret_until FROM endpoint;
