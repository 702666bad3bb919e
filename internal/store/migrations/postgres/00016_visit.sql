-- +goose Up

-- How many stays a lead has had can be counted.
DROP VIEW visits;
ALTER TABLE visit DROP COLUMN n;

CREATE VIEW visits AS
SELECT id, lead, pass, stage, side, outcome, from_stage, to_stage, instant_text(entered_at) AS entered_at, instant_text(left_at) AS left_at,
    day_text(entered_day) AS entered_day, day_text(left_day) AS left_day, (left_at - entered_at) / float8 '3.6e9' AS hours, entered_via, left_via
FROM visit;
