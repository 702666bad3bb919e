-- +goose Up

-- What happened, as it came. Rows are only ever added, at the right edge. prev is the
-- input before it of the same lead: a linked list in place of an index, which would
-- dirty a page for nearly every row.
CREATE TABLE input (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL,
    lead    INTEGER NOT NULL, -- 0 for the roster's own
    account INTEGER NOT NULL, -- 0 for none
    prev    INTEGER NOT NULL, -- 0 for none
    at      INTEGER NOT NULL, -- UTC microseconds, as all times here
    known   INTEGER NOT NULL,
    dedupe  INTEGER NOT NULL, -- hash of source and key; 0 for no key
    import  INTEGER NOT NULL, -- 0 for none
    body    TEXT    NOT NULL
) STRICT;
CREATE INDEX input_dedupe ON input (dedupe) WHERE dedupe <> 0;

-- What the agreement made of it. error is why an input could not be decided; body is
-- then empty.
CREATE TABLE decision (
    input   INTEGER PRIMARY KEY,
    lead    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    error   TEXT
) STRICT;
CREATE INDEX decision_error ON decision (input) WHERE error IS NOT NULL;

-- How every lead stands. state is what decisions are made on; the other columns are
-- copies of it for people and queries. visit, handoff and clock are the latest rows of
-- the lead in those tables, clocks are those that have not stopped.
CREATE TABLE lead (
    id           INTEGER PRIMARY KEY,
    version      INTEGER NOT NULL,
    input        INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    account      INTEGER NOT NULL,
    owner        TEXT    NOT NULL,
    clock        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    origin       TEXT    NOT NULL,
    stage        TEXT    NOT NULL,
    side         TEXT    NOT NULL,
    outcome      TEXT    NOT NULL,
    entered_at   INTEGER NOT NULL,
    pass         INTEGER NOT NULL,
    queue        TEXT    NOT NULL,
    track        TEXT    NOT NULL,
    revisit_at   INTEGER NOT NULL,
    grade        TEXT    NOT NULL,
    fit          INTEGER NOT NULL, -- millionths of a point
    engagement   INTEGER NOT NULL, -- millionths of a point, at clock
    readiness    INTEGER NOT NULL,
    buying_stage TEXT    NOT NULL,
    activities   INTEGER NOT NULL,
    consent      TEXT    NOT NULL,
    value        REAL    NOT NULL,
    name         TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    campaign     TEXT    NOT NULL,
    segment      TEXT    NOT NULL,
    visit        INTEGER NOT NULL,
    handoff      INTEGER NOT NULL,
    clock_row    INTEGER NOT NULL,
    clocks       TEXT    NOT NULL,
    attributes   TEXT    NOT NULL,
    state        BLOB    NOT NULL
) STRICT;
CREATE INDEX lead_due ON lead (due) WHERE due < 9223372036854775807;
CREATE INDEX lead_account ON lead (account) WHERE account <> 0;
CREATE INDEX lead_owner ON lead (owner) WHERE owner <> '';

CREATE TABLE key (
    kind  INTEGER NOT NULL,
    value TEXT    NOT NULL,
    lead  INTEGER NOT NULL,
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;

-- A key that belongs to another lead than the one its input was about: perhaps the two
-- are one person.
CREATE TABLE key_conflict (
    input INTEGER NOT NULL,
    lead  INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    value TEXT    NOT NULL,
    other INTEGER NOT NULL,
    PRIMARY KEY (lead, kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id         INTEGER PRIMARY KEY,
    key        TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    state      BLOB    NOT NULL
) STRICT;

-- One row for each stay of a lead in a stage. id is the input's times 1000, plus the
-- number of the row within it; prev is the lead's row before.
CREATE TABLE visit (
    id          INTEGER PRIMARY KEY,
    lead        INTEGER NOT NULL,
    prev        INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    pass        INTEGER NOT NULL,
    stage       TEXT    NOT NULL,
    side        TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    from_stage  TEXT    NOT NULL,
    entered_at  INTEGER NOT NULL,
    entered_day INTEGER NOT NULL, -- days since 1970-01-01, local to the agreement
    entered_via TEXT    NOT NULL, -- the clause that let it in
    left_at     INTEGER,
    left_day    INTEGER,
    left_via    TEXT    NOT NULL,
    to_stage    TEXT    NOT NULL
) STRICT;
CREATE INDEX visit_open ON visit (stage) WHERE left_at IS NULL;

CREATE TABLE handoff (
    id                  INTEGER PRIMARY KEY,
    lead                INTEGER NOT NULL,
    prev                INTEGER NOT NULL,
    name                TEXT    NOT NULL,
    pass                INTEGER NOT NULL,
    state               TEXT    NOT NULL,
    offered_at          INTEGER NOT NULL,
    offered_day         INTEGER NOT NULL,
    owner               TEXT    NOT NULL,
    queue               TEXT    NOT NULL,
    accept_due          INTEGER,
    accepted_at         INTEGER,
    accepted_by         TEXT    NOT NULL,
    accept_used         INTEGER,
    accept_breached_at  INTEGER,
    contact_due         INTEGER,
    contacted_at        INTEGER,
    contact_used        INTEGER,
    contact_breached_at INTEGER,
    closed_at           INTEGER,
    reason              TEXT    NOT NULL,
    reassigned          INTEGER NOT NULL
) STRICT;

CREATE TABLE clock (
    id          INTEGER PRIMARY KEY,
    lead        INTEGER NOT NULL,
    prev        INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    member      TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    due_at      INTEGER,
    breached_at INTEGER,
    breaches    INTEGER NOT NULL,
    stopped_at  INTEGER,
    unit        INTEGER NOT NULL,
    within      INTEGER NOT NULL,
    used        INTEGER NOT NULL
) STRICT;

CREATE TABLE roster (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    state BLOB    NOT NULL
) STRICT;

CREATE TABLE member (
    id       TEXT    NOT NULL PRIMARY KEY,
    name     TEXT    NOT NULL,
    side     TEXT    NOT NULL,
    manager  TEXT    NOT NULL,
    pools    TEXT    NOT NULL,
    weight   INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    active   INTEGER NOT NULL,
    away     TEXT    NOT NULL,
    open     INTEGER NOT NULL,
    taken    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    pool     TEXT    NOT NULL,
    member   TEXT    NOT NULL,
    debt     INTEGER NOT NULL,
    handicap INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    given    INTEGER NOT NULL,
    PRIMARY KEY (pool, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE agreement (
    version      INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    hash         TEXT    NOT NULL,
    file         TEXT    NOT NULL,
    source       BLOB    NOT NULL,
    files        TEXT    NOT NULL, -- JSON: name -> text
    activated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE import (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    file        TEXT    NOT NULL,
    hash        TEXT    NOT NULL,
    state       TEXT    NOT NULL, -- running, done, stopped, undone
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    rows        INTEGER NOT NULL,
    arrivals    INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    first_input INTEGER NOT NULL,
    last_input  INTEGER NOT NULL,
    notes       TEXT    NOT NULL
) STRICT;

-- What has to go out because of a decision.
CREATE TABLE job (
    id         INTEGER PRIMARY KEY, -- the input's times 1000, plus the number of the effect
    kind       TEXT    NOT NULL,
    due        INTEGER NOT NULL,
    recipient  TEXT    NOT NULL,
    lead       INTEGER NOT NULL,
    input      INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL, -- waiting, done, failed
    attempts   INTEGER NOT NULL,
    last_error TEXT    NOT NULL
) STRICT;
