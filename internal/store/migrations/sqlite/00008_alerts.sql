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


-- Why a job waits ('' for nothing); the alert whose messages are gathered ('' for none); and, of those that were, the job in whose
-- message they went out.
ALTER TABLE job ADD COLUMN wait TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN carried_by INTEGER NOT NULL DEFAULT 0;
CREATE INDEX job_digest ON job (recipient, digest) WHERE next_try IS NOT NULL AND digest <> '';

-- When somebody was told of a lead by an alert that says how often at most.
CREATE TABLE said (
    lead      INTEGER NOT NULL,
    recipient TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    alert     TEXT    NOT NULL,
    job       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (lead, recipient, channel, alert, job)
) STRICT, WITHOUT ROWID;

-- What somebody is told in the inbox. The same about the same lead is one entry as long as it is not read.
CREATE TABLE inbox (
    id       INTEGER PRIMARY KEY, -- of the first input, times 1000, plus a number
    seq      INTEGER NOT NULL, -- the same of the last
    member   TEXT    NOT NULL,
    lead     INTEGER NOT NULL,
    input    INTEGER NOT NULL, -- the last
    kind     TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    alert    TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    first_at INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    times    INTEGER NOT NULL,
    read_at  INTEGER NOT NULL -- 0 for not yet
) STRICT;
CREATE UNIQUE INDEX inbox_same ON inbox (member, lead, kind, name, alert) WHERE read_at = 0;
CREATE INDEX inbox_unread ON inbox (member, seq) WHERE read_at = 0;
CREATE INDEX inbox_member ON inbox (member, seq);

DROP VIEW jobs;
CREATE VIEW jobs AS
SELECT id, kind, datetime(due / 1000000, 'unixepoch') AS due_at, recipient, lead, input, state, attempts, last_error, body, channel, datetime(next_try / 1000000, 'unixepoch') AS next_try_at, datetime(nullif(delivered_at, 0) / 1000000, 'unixepoch') AS delivered_at,
    wait, digest, nullif(carried_by, 0) AS carried_by FROM job;

CREATE VIEW inboxes AS
SELECT id, member, lead, kind, name, alert, datetime(first_at / 1000000, 'unixepoch') AS first_at, datetime(at / 1000000, 'unixepoch') AS at, times, datetime(nullif(read_at, 0) / 1000000, 'unixepoch') AS read_at FROM inbox;

-- Somebody spoke to a lead although another held the conversation.
CREATE TABLE conflict (
    id      INTEGER PRIMARY KEY, -- of the input, times 1000, plus a number
    input   INTEGER NOT NULL,
    lead    INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    holder  TEXT    NOT NULL, -- a member, marketing, sales or ''
    clause  TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX conflict_lead ON conflict (lead);

CREATE VIEW conflicts AS
SELECT input, lead, actor, outcome, holder, clause, datetime(at / 1000000, 'unixepoch') AS at FROM conflict;
