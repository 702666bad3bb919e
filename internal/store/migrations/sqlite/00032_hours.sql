-- +goose Up

-- Hours of a member have their word.
DROP VIEW inputs;
CREATE VIEW inputs AS
SELECT i.id, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' WHEN 26 THEN 'take' WHEN 27 THEN 'release' WHEN 28 THEN 'present' WHEN 29 THEN 'calendar' WHEN 30 THEN 'estimate' WHEN 31 THEN 'walk_away' WHEN 32 THEN 'remind' WHEN 33 THEN 'hours' END AS kind, nullif(i.lead, 0) AS lead, datetime(i.at / 1000000, 'unixepoch') AS at, datetime(i.known / 1000000, 'unixepoch') AS known, nullif(i.import, 0) AS import, i.body
FROM input i;

DROP VIEW decisions;
CREATE VIEW decisions AS
SELECT d.input, d.lead, datetime(i.known / 1000000, 'unixepoch') AS at, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' WHEN 26 THEN 'take' WHEN 27 THEN 'release' WHEN 28 THEN 'present' WHEN 29 THEN 'calendar' WHEN 30 THEN 'estimate' WHEN 31 THEN 'walk_away' WHEN 32 THEN 'remind' WHEN 33 THEN 'hours' END AS kind, d.version AS agreement, nullif(d.body, '') AS body, d.error
FROM decision d JOIN input i ON i.id = d.input;

DROP VIEW problems;
CREATE VIEW problems AS
SELECT d.input, nullif(d.lead, 0) AS lead, datetime(i.known / 1000000, 'unixepoch') AS at, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' WHEN 26 THEN 'take' WHEN 27 THEN 'release' WHEN 28 THEN 'present' WHEN 29 THEN 'calendar' WHEN 30 THEN 'estimate' WHEN 31 THEN 'walk_away' WHEN 32 THEN 'remind' WHEN 33 THEN 'hours' END AS kind, d.error, i.body
FROM decision d JOIN input i ON i.id = d.input WHERE d.error IS NOT NULL;
