-- +goose Up

-- What a lead was worth when it was won: of what was won before this, what the lead is worth now.
ALTER TABLE visit ADD COLUMN value REAL NOT NULL DEFAULT 0;
UPDATE visit SET value = coalesce((SELECT l.value FROM lead l WHERE l.id = visit.lead), 0) WHERE outcome = 'won';

DROP VIEW visits;
CREATE VIEW visits AS
SELECT id, lead, pass, stage, side, outcome, from_stage, to_stage, datetime(entered_at / 1000000, 'unixepoch') AS entered_at, datetime(left_at / 1000000, 'unixepoch') AS left_at,
    date(entered_day * 86400, 'unixepoch') AS entered_day, date(left_day * 86400, 'unixepoch') AS left_day, (left_at - entered_at) / 3.6e9 AS hours, entered_via, left_via, value
FROM visit;
