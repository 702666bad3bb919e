-- +goose Up

-- Leads that wait to be called: a row for each, with what orders the queue. grade is 0 for A1 to 15 for D4 and 16 for
-- none; asset is 0 for a high value to 3 for none; due is when the time that is left is over. free is 1 if
-- somebody may take the lead now.
CREATE TABLE call (
    lead    INTEGER PRIMARY KEY,
    grade   INTEGER NOT NULL,
    asset   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    free    INTEGER NOT NULL,
    holder  TEXT    NOT NULL, -- '' for nobody
    until   INTEGER NOT NULL,
    next_at INTEGER NOT NULL, -- not before; 0 for at once
    since   INTEGER NOT NULL,
    tries   INTEGER NOT NULL
) STRICT;
CREATE INDEX call_order ON call (grade, asset, due, lead) WHERE free = 1;
CREATE INDEX call_taken ON call (until, lead) WHERE holder <> '';
CREATE INDEX call_holder ON call (holder, until, lead) WHERE holder <> '';
CREATE INDEX call_later ON call (next_at, lead) WHERE free = 0 AND holder = '';

-- The clause that let the lead in and should not have, as whoever gave it back says; '' for none.
ALTER TABLE visit ADD COLUMN named TEXT NOT NULL DEFAULT '';

-- Leads that sales works: a row for each, with what is expected of it.
CREATE TABLE opportunity (
    lead        INTEGER PRIMARY KEY,
    owner       TEXT NOT NULL, -- '' for nobody
    stage       TEXT NOT NULL,
    value       REAL NOT NULL, -- 0 for not known
    probability REAL NOT NULL, -- of the lead, or of its stage; 0 for not known
    effort      REAL NOT NULL, -- hours; 0 for not known
    expected    REAL NOT NULL  -- value times probability
) STRICT;
CREATE INDEX opportunity_order ON opportunity (expected DESC, lead);
CREATE INDEX opportunity_owner ON opportunity (owner, expected DESC, lead);
