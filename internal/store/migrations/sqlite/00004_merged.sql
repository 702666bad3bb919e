-- +goose Up

-- Leads that are the same person as another, which goes on for them. Their keys stay theirs and lead on
-- from here, so that a split gives them back.
CREATE TABLE merged (
    lead      INTEGER PRIMARY KEY,
    into_lead INTEGER NOT NULL,
    input     INTEGER NOT NULL, -- the last of the lead: that which ended it
    handoff   INTEGER NOT NULL, -- its last rows in these tables, 0 for none
    clock     INTEGER NOT NULL,
    email     TEXT    NOT NULL
) STRICT;
CREATE INDEX merged_into ON merged (into_lead);
CREATE INDEX key_lead ON key (lead);

-- By what the names of accounts are looked up to be compared: their first words, folded. formerly is the
-- key of an account before it took its domain, empty for none.
CREATE TABLE account_name (
    account  INTEGER PRIMARY KEY,
    block    TEXT    NOT NULL,
    formerly TEXT    NOT NULL
) STRICT;
CREATE INDEX account_name_block ON account_name (block);
INSERT INTO account_name (account, block, formerly) SELECT id, substr(lower(name), 1, instr(name || ' ', ' ') - 1), '' FROM account WHERE name <> '';

CREATE VIEW merges AS
SELECT lead, into_lead, input FROM merged;

-- Not those that were merged since.
DROP VIEW same_person;
CREATE VIEW same_person AS
SELECT k.lead, k.other, CASE k.kind WHEN 1 THEN 'email' WHEN 2 THEN 'id' WHEN 3 THEN 'phone' ELSE 'anonymous' END AS kind, k.value, k.input
FROM key_conflict k WHERE k.lead NOT IN (SELECT lead FROM merged) AND k.other NOT IN (SELECT lead FROM merged);

DROP VIEW inputs;
CREATE VIEW inputs AS
SELECT i.id, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' END AS kind, nullif(i.lead, 0) AS lead, datetime(i.at / 1000000, 'unixepoch') AS at, datetime(i.known / 1000000, 'unixepoch') AS known, nullif(i.import, 0) AS import, i.body
FROM input i;

DROP VIEW decisions;
CREATE VIEW decisions AS
SELECT d.input, d.lead, datetime(i.known / 1000000, 'unixepoch') AS at, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' END AS kind, d.version AS agreement, nullif(d.body, '') AS body, d.error
FROM decision d JOIN input i ON i.id = d.input;

DROP VIEW problems;
CREATE VIEW problems AS
SELECT d.input, nullif(d.lead, 0) AS lead, datetime(i.known / 1000000, 'unixepoch') AS at, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' END AS kind, d.error, i.body
FROM decision d JOIN input i ON i.id = d.input WHERE d.error IS NOT NULL;
