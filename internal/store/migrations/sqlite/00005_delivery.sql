-- +goose Up

-- What a worker needs to send. next_try is NULL for what is over, so that the index holds only what waits.
-- While a job is being sent, next_try is when it is given back if nobody has said how it went.
ALTER TABLE job ADD COLUMN channel TEXT NOT NULL DEFAULT ''; -- email, slack, teams, webhook
ALTER TABLE job ADD COLUMN endpoint TEXT NOT NULL DEFAULT ''; -- what is slow or dead together
ALTER TABLE job ADD COLUMN next_try INTEGER;
ALTER TABLE job ADD COLUMN delivered_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX job_next ON job (next_try) WHERE next_try IS NOT NULL;

-- Nobody is told now of what happened before there was anything to tell it with.
UPDATE job SET state = 'dropped', last_error = 'decided before Baton could send' WHERE state = 'waiting';

-- Each try of a job, with how it went.
CREATE TABLE attempt (
    job     INTEGER NOT NULL,
    n       INTEGER NOT NULL, -- from 1
    at      INTEGER NOT NULL, -- when it was over
    took    INTEGER NOT NULL, -- microseconds
    outcome TEXT    NOT NULL, -- done, later, never, gone
    code    INTEGER NOT NULL, -- of HTTP or SMTP, 0 for no answer
    why     TEXT    NOT NULL,
    said    TEXT    NOT NULL,
    PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;

-- What somebody was told last about a lead by a channel.
CREATE TABLE told (
    lead      INTEGER NOT NULL,
    recipient TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    job       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (lead, recipient, channel)
) STRICT, WITHOUT ROWID;

-- Where signed webhooks go. The secret is shown once, when it is made; events are words with spaces between, empty for all.
CREATE TABLE endpoint (
    id           INTEGER PRIMARY KEY,
    url          TEXT    NOT NULL,
    secret       TEXT    NOT NULL,
    events       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    disabled_at  INTEGER NOT NULL, -- 0 for not
    disabled_why TEXT    NOT NULL
) STRICT;

DROP VIEW jobs;
CREATE VIEW jobs AS
SELECT id, kind, datetime(due / 1000000, 'unixepoch') AS due_at, recipient, lead, input, state, attempts, last_error, body, channel, datetime(next_try / 1000000, 'unixepoch') AS next_try_at, datetime(nullif(delivered_at, 0) / 1000000, 'unixepoch') AS delivered_at FROM job;

CREATE VIEW attempts AS
SELECT job, n, datetime(at / 1000000, 'unixepoch') AS at, took / 1000 AS took_ms, outcome, nullif(code, 0) AS code, why, said FROM attempt;

CREATE VIEW webhooks AS
SELECT id, url, events, datetime(created_at / 1000000, 'unixepoch') AS created_at, datetime(nullif(disabled_at, 0) / 1000000, 'unixepoch') AS disabled_at, disabled_why FROM endpoint;
