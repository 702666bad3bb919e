-- +goose Up

-- Leads that wait to be called: a row for each, with what orders the queue. grade is 0 for A1 to 15 for D4 and 16 for
-- none; asset is 0 for a high value to 3 for none; due is when the time that is left is over. free is 1 if
-- somebody may take the lead now.
CREATE TABLE call (
    lead    BIGINT PRIMARY KEY,
    grade   BIGINT NOT NULL,
    asset   BIGINT NOT NULL,
    due     BIGINT NOT NULL,
    free    BIGINT NOT NULL,
    holder  TEXT  NOT NULL, -- '' for nobody
    until   BIGINT NOT NULL,
    next_at BIGINT NOT NULL, -- not before; 0 for at once
    since   BIGINT NOT NULL,
    tries   BIGINT NOT NULL
);
CREATE INDEX call_order ON call (grade, asset, due, lead) WHERE free = 1;
CREATE INDEX call_taken ON call (until, lead) WHERE holder <> '';
CREATE INDEX call_holder ON call (holder, until, lead) WHERE holder <> '';
CREATE INDEX call_later ON call (next_at, lead) WHERE free = 0 AND holder = '';

-- The clause that let the lead in and should not have, as whoever gave it back says; '' for none.
ALTER TABLE visit ADD COLUMN named TEXT NOT NULL DEFAULT '';

-- Leads that sales works: a row for each, with what is expected of it.
CREATE TABLE opportunity (
    lead        BIGINT PRIMARY KEY,
    owner       TEXT COLLATE "C" NOT NULL, -- '' for nobody
    stage       TEXT NOT NULL,
    value       DOUBLE PRECISION NOT NULL, -- 0 for not known
    probability DOUBLE PRECISION NOT NULL, -- of the lead, or of its stage; 0 for not known
    effort      DOUBLE PRECISION NOT NULL, -- hours; 0 for not known
    expected    DOUBLE PRECISION NOT NULL  -- value times probability
);
CREATE INDEX opportunity_order ON opportunity (expected DESC, lead);
CREATE INDEX opportunity_owner ON opportunity (owner, expected DESC, lead);
