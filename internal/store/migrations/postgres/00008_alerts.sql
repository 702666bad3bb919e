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


-- Why a job waits ('' for nothing); the alert whose messages are gathered ('' for none); and, of those that were, the job in whose
-- message they went out.
ALTER TABLE job ADD COLUMN wait TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN carried_by BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_digest ON job (recipient, digest) WHERE next_try IS NOT NULL AND digest <> '';

-- When somebody was told of a lead by an alert that says how often at most.
CREATE TABLE said (
    lead      BIGINT NOT NULL,
    recipient TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    alert     TEXT    NOT NULL,
    job       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (lead, recipient, channel, alert, job)
);

-- What somebody is told in the inbox. The same about the same lead is one entry as long as it is not read.
CREATE TABLE inbox (
    id       BIGINT PRIMARY KEY, -- of the first input, times 1000, plus a number
    seq      BIGINT NOT NULL, -- the same of the last
    member   TEXT    NOT NULL,
    lead     BIGINT NOT NULL,
    input    BIGINT NOT NULL, -- the last
    kind     TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    alert    TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    first_at BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    times    BIGINT NOT NULL,
    read_at  BIGINT NOT NULL -- 0 for not yet
);
CREATE UNIQUE INDEX inbox_same ON inbox (member, lead, kind, name, alert) WHERE read_at = 0;
CREATE INDEX inbox_unread ON inbox (member, seq) WHERE read_at = 0;
CREATE INDEX inbox_member ON inbox (member, seq);

DROP VIEW jobs;
CREATE VIEW jobs AS
SELECT id, kind, instant_text(due) AS due_at, recipient, lead, input, state, attempts, last_error, body, channel, instant_text(next_try) AS next_try_at, instant_text(nullif(delivered_at, 0)) AS delivered_at,
    wait, digest, nullif(carried_by, 0) AS carried_by FROM job;

CREATE VIEW inboxes AS
SELECT id, member, lead, kind, name, alert, instant_text(first_at) AS first_at, instant_text(at) AS at, times, instant_text(nullif(read_at, 0)) AS read_at FROM inbox;

-- Somebody spoke to a lead although another held the conversation.
CREATE TABLE conflict (
    id      BIGINT PRIMARY KEY, -- of the input, times 1000, plus a number
    input   BIGINT NOT NULL,
    lead    BIGINT NOT NULL,
    actor   TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    holder  TEXT    NOT NULL, -- a member, marketing, sales or ''
    clause  TEXT    NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX conflict_lead ON conflict (lead);

CREATE VIEW conflicts AS
SELECT input, lead, actor, outcome, holder, clause, instant_text(at) AS at FROM conflict;
