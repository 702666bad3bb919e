-- +goose Up

-- How each endpoint of jobs answers: a webhook, the mail server, somebody's address in chat. It is written with the try, so that nobody
-- has to look through tries to see since when there is no way through.
CREATE TABLE reach (
    endpoint      TEXT    NOT NULL PRIMARY KEY, -- as job has it
    done_at       INTEGER NOT NULL, -- when it last took something, 0 for never
    tried_at      INTEGER NOT NULL, -- when it was last tried
    failing_since INTEGER NOT NULL, -- the first try that failed since it last took something, 0 for none
    code          INTEGER NOT NULL, -- of the last try, as attempt has it
    why           TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The jobs of a webhook, and of every other way, in their order; those that failed; and those that wait for another try.
CREATE INDEX job_webhook ON job (endpoint, id) WHERE channel = 'webhook';
CREATE INDEX job_channel ON job (channel, id) WHERE channel <> 'webhook';
CREATE INDEX job_failed_webhook ON job (endpoint, id) WHERE state = 'failed' AND channel = 'webhook';
CREATE INDEX job_failed_channel ON job (channel, id) WHERE state = 'failed' AND channel <> 'webhook';
CREATE INDEX job_again ON job (endpoint, next_try, state, attempts) WHERE state = 'waiting' AND attempts > 0;

-- The number of a webhook that was removed is not given to another: jobs name it.
DROP VIEW webhooks;
CREATE TABLE numbered (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    url          TEXT    NOT NULL,
    secret       TEXT    NOT NULL,
    events       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    disabled_at  INTEGER NOT NULL, -- 0 for not
    disabled_why TEXT    NOT NULL,
    old_secret   TEXT    NOT NULL DEFAULT '',
    old_until    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO numbered SELECT id, url, secret, events, created_at, disabled_at, disabled_why, old_secret, old_until FROM endpoint;
DROP TABLE endpoint;
ALTER TABLE numbered RENAME TO endpoint;
CREATE VIEW webhooks AS
SELECT id, url, events, datetime(created_at / 1000000, 'unixepoch') AS created_at, datetime(nullif(disabled_at, 0) / 1000000, 'unixepoch') AS disabled_at, disabled_why,
    datetime(nullif(old_until, 0) / 1000000, 'unixepoch') AS old_secret_until FROM endpoint;
