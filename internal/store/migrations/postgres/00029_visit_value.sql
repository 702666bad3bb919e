-- +goose Up

-- What a lead was worth when it was won: of what was won before this, what the lead is worth now.
ALTER TABLE visit ADD COLUMN value DOUBLE PRECISION NOT NULL DEFAULT 0;
UPDATE visit SET value = coalesce((SELECT l.value FROM lead l WHERE l.id = visit.lead), 0) WHERE outcome = 'won';

DROP VIEW visits;
CREATE VIEW visits AS
SELECT id, lead, pass, stage, side, outcome, from_stage, to_stage, instant_text(entered_at) AS entered_at, instant_text(left_at) AS left_at,
    day_text(entered_day) AS entered_day, day_text(left_day) AS left_day, (left_at - entered_at) / float8 '3.6e9' AS hours, entered_via, left_via, value
FROM visit;
