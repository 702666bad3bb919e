-- +goose Up

-- How many stays a lead has had can be counted.
DROP VIEW visits;
ALTER TABLE visit DROP COLUMN n;

CREATE VIEW visits AS
SELECT id, lead, pass, stage, side, outcome, from_stage, to_stage, datetime(entered_at / 1000000, 'unixepoch') AS entered_at, datetime(left_at / 1000000, 'unixepoch') AS left_at,
    date(entered_day * 86400, 'unixepoch') AS entered_day, date(left_day * 86400, 'unixepoch') AS left_day, (left_at - entered_at) / 3.6e9 AS hours, entered_via, left_via
FROM visit;
