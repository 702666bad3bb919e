-- +goose Up

-- Leads that are the same person as another, which goes on for them. Their keys stay theirs and lead on
-- from here, so that a split gives them back.
CREATE TABLE merged (
    lead      BIGINT PRIMARY KEY,
    into_lead BIGINT NOT NULL,
    input     BIGINT NOT NULL, -- the last of the lead: that which ended it
    handoff   BIGINT NOT NULL, -- its last rows in these tables, 0 for none
    clock     BIGINT NOT NULL,
    email     TEXT    NOT NULL
);
CREATE INDEX merged_into ON merged (into_lead);
CREATE INDEX key_lead ON key (lead);

-- By what the names of accounts are looked up to be compared: their first words, folded. formerly is the
-- key of an account before it took its domain, empty for none.
CREATE TABLE account_name (
    account  BIGINT PRIMARY KEY,
    block    TEXT    NOT NULL,
    formerly TEXT    NOT NULL
);
CREATE INDEX account_name_block ON account_name (block);
INSERT INTO account_name (account, block, formerly) SELECT id, split_part(lower(name), ' ', 1), '' FROM account WHERE name <> '';

CREATE VIEW merges AS
SELECT lead, into_lead, input FROM merged;

-- Not those that were merged since.
DROP VIEW same_person;
CREATE VIEW same_person AS
SELECT k.lead, k.other, CASE k.kind WHEN 1 THEN 'email' WHEN 2 THEN 'id' WHEN 3 THEN 'phone' ELSE 'anonymous' END AS kind, k.value, k.input
FROM key_conflict k WHERE k.lead NOT IN (SELECT lead FROM merged) AND k.other NOT IN (SELECT lead FROM merged);
