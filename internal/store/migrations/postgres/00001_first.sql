-- +goose Up

-- What happened, as it came. Rows are only ever added, at the right edge. prev is the
-- input before it of the same lead: a linked list in place of an index, which would
-- dirty a page for nearly every row.
CREATE TABLE input (
    id      BIGINT PRIMARY KEY,
    kind    BIGINT  NOT NULL,
    lead    BIGINT  NOT NULL, -- 0 for the roster's own
    account BIGINT  NOT NULL, -- 0 for none
    prev    BIGINT  NOT NULL, -- 0 for none
    at      BIGINT  NOT NULL, -- UTC microseconds, as all times here
    known   BIGINT  NOT NULL,
    dedupe  BIGINT  NOT NULL, -- hash of source and key; 0 for no key
    import  BIGINT  NOT NULL, -- 0 for none
    body    TEXT    NOT NULL
);
CREATE INDEX input_dedupe ON input (dedupe) WHERE dedupe <> 0;

-- The numbers of inputs. Who takes some has locked before whatever the inputs look at, so that of two
-- inputs that have to do with each other, the one decided first has the lower number.
CREATE SEQUENCE input_number;

-- What the agreement made of it. error is why an input could not be decided; body is
-- then empty.
CREATE TABLE decision (
    input   BIGINT PRIMARY KEY,
    lead    BIGINT  NOT NULL,
    version BIGINT  NOT NULL,
    body    TEXT    NOT NULL,
    error   TEXT
);
CREATE INDEX decision_error ON decision (input) WHERE error IS NOT NULL;

-- How every lead stands. state is what decisions are made on; the other columns are
-- copies of it for people and queries. visit, handoff and clock are the latest rows of
-- the lead in those tables, clocks are those that have not stopped.
CREATE TABLE lead (
    id           BIGINT PRIMARY KEY,
    version      BIGINT  NOT NULL,
    input        BIGINT  NOT NULL,
    due          BIGINT  NOT NULL,
    account      BIGINT  NOT NULL,
    owner        TEXT    COLLATE "C" NOT NULL,
    clock        BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    origin       TEXT    NOT NULL,
    stage        TEXT    NOT NULL,
    side         TEXT    NOT NULL,
    outcome      TEXT    NOT NULL,
    entered_at   BIGINT  NOT NULL,
    pass         BIGINT  NOT NULL,
    queue        TEXT    NOT NULL,
    track        TEXT    NOT NULL,
    revisit_at   BIGINT  NOT NULL,
    grade        TEXT    NOT NULL,
    fit          BIGINT  NOT NULL, -- millionths of a point
    engagement   BIGINT  NOT NULL, -- millionths of a point, at clock
    readiness    BIGINT  NOT NULL,
    buying_stage TEXT    NOT NULL,
    activities   BIGINT  NOT NULL,
    consent      TEXT    NOT NULL,
    value        DOUBLE PRECISION NOT NULL,
    name         TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    campaign     TEXT    NOT NULL,
    segment      TEXT    NOT NULL,
    visit        BIGINT  NOT NULL,
    handoff      BIGINT  NOT NULL,
    clock_row    BIGINT  NOT NULL,
    clocks       TEXT    NOT NULL,
    attributes   TEXT    NOT NULL,
    state        BYTEA   NOT NULL
) WITH (fillfactor = 70); -- a row that finds room on its page touches no index
CREATE INDEX lead_due ON lead (due) WHERE due < 9223372036854775807;
CREATE INDEX lead_account ON lead (account) WHERE account <> 0;
CREATE INDEX lead_owner ON lead (owner) WHERE owner <> '';

-- Leads that have to be looked at since an instant, and were locked by somebody when that was found.
CREATE TABLE wake (
    lead BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL
);

CREATE TABLE key (
    kind  BIGINT  NOT NULL,
    value TEXT    COLLATE "C" NOT NULL,
    lead  BIGINT  NOT NULL,
    PRIMARY KEY (kind, value)
);

-- A key that belongs to another lead than the one its input was about: perhaps the two
-- are one person.
CREATE TABLE key_conflict (
    input BIGINT  NOT NULL,
    lead  BIGINT  NOT NULL,
    kind  BIGINT  NOT NULL,
    value TEXT    COLLATE "C" NOT NULL,
    other BIGINT  NOT NULL,
    PRIMARY KEY (lead, kind, value)
);

CREATE TABLE account (
    id         BIGINT PRIMARY KEY,
    key        TEXT    COLLATE "C" NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    state      BYTEA   NOT NULL
);

-- One row for each stay of a lead in a stage. id is the input's times 1000, plus the
-- number of the row within it; prev is the lead's row before.
CREATE TABLE visit (
    id          BIGINT PRIMARY KEY,
    lead        BIGINT  NOT NULL,
    prev        BIGINT  NOT NULL,
    n           BIGINT  NOT NULL,
    pass        BIGINT  NOT NULL,
    stage       TEXT    NOT NULL,
    side        TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    from_stage  TEXT    NOT NULL,
    entered_at  BIGINT  NOT NULL,
    entered_day BIGINT  NOT NULL, -- days since 1970-01-01, local to the agreement
    entered_via TEXT    NOT NULL, -- the clause that let it in
    left_at     BIGINT,
    left_day    BIGINT,
    left_via    TEXT    NOT NULL,
    to_stage    TEXT    NOT NULL
);
CREATE INDEX visit_open ON visit (stage) WHERE left_at IS NULL;

CREATE TABLE handoff (
    id                  BIGINT PRIMARY KEY,
    lead                BIGINT  NOT NULL,
    prev                BIGINT  NOT NULL,
    name                TEXT    NOT NULL,
    pass                BIGINT  NOT NULL,
    state               TEXT    NOT NULL,
    offered_at          BIGINT  NOT NULL,
    offered_day         BIGINT  NOT NULL,
    owner               TEXT    NOT NULL,
    queue               TEXT    NOT NULL,
    accept_due          BIGINT,
    accepted_at         BIGINT,
    accepted_by         TEXT    NOT NULL,
    accept_used         BIGINT,
    accept_breached_at  BIGINT,
    contact_due         BIGINT,
    contacted_at        BIGINT,
    contact_used        BIGINT,
    contact_breached_at BIGINT,
    closed_at           BIGINT,
    reason              TEXT    NOT NULL,
    reassigned          BIGINT  NOT NULL
);

CREATE TABLE clock (
    id          BIGINT PRIMARY KEY,
    lead        BIGINT  NOT NULL,
    prev        BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    member      TEXT    NOT NULL,
    started_at  BIGINT  NOT NULL,
    since       BIGINT  NOT NULL,
    due_at      BIGINT,
    breached_at BIGINT,
    breaches    BIGINT  NOT NULL,
    stopped_at  BIGINT,
    unit        BIGINT  NOT NULL,
    within      BIGINT  NOT NULL,
    used        BIGINT  NOT NULL
);

CREATE TABLE roster (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    state BYTEA   NOT NULL
);

CREATE TABLE member (
    id       TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    name     TEXT    NOT NULL,
    side     TEXT    NOT NULL,
    manager  TEXT    NOT NULL,
    pools    TEXT    NOT NULL,
    weight   BIGINT  NOT NULL,
    capacity BIGINT  NOT NULL,
    active   BIGINT  NOT NULL,
    away     TEXT    NOT NULL,
    open     BIGINT  NOT NULL,
    taken    BIGINT  NOT NULL
);

CREATE TABLE ledger (
    pool     TEXT    COLLATE "C" NOT NULL,
    member   TEXT    COLLATE "C" NOT NULL,
    debt     BIGINT  NOT NULL,
    handicap BIGINT  NOT NULL,
    since    BIGINT  NOT NULL,
    given    BIGINT  NOT NULL,
    PRIMARY KEY (pool, member)
);

CREATE TABLE agreement (
    version      BIGINT PRIMARY KEY,
    name         TEXT    NOT NULL,
    hash         TEXT    NOT NULL,
    file         TEXT    NOT NULL,
    source       BYTEA   NOT NULL,
    files        TEXT    NOT NULL, -- JSON: name -> text
    activated_at BIGINT  NOT NULL
);

CREATE TABLE import (
    id          BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name        TEXT    NOT NULL,
    file        TEXT    NOT NULL,
    hash        TEXT    NOT NULL,
    state       TEXT    NOT NULL, -- running, done, stopped, undone
    started_at  BIGINT  NOT NULL,
    finished_at BIGINT,
    rows        BIGINT  NOT NULL,
    arrivals    BIGINT  NOT NULL,
    refused     BIGINT  NOT NULL,
    first_input BIGINT  NOT NULL,
    last_input  BIGINT  NOT NULL,
    notes       TEXT    NOT NULL
);

-- What has to go out because of a decision.
CREATE TABLE job (
    id         BIGINT PRIMARY KEY, -- the input's times 1000, plus the number of the effect
    kind       TEXT    NOT NULL,
    due        BIGINT  NOT NULL,
    recipient  TEXT    NOT NULL,
    lead       BIGINT  NOT NULL,
    input      BIGINT  NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL, -- waiting, done, failed
    attempts   BIGINT  NOT NULL,
    last_error TEXT    NOT NULL
);
