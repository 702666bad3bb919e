-- +goose Up

-- When somebody was told of an offer: reports ask how long that took.
CREATE INDEX job_offer ON job (lead, delivered_at) WHERE kind = 'offered' AND delivered_at > 0;

-- By which channel somebody spoke to a lead although another held the conversation; '' if nobody said.
ALTER TABLE conflict ADD COLUMN channel TEXT NOT NULL DEFAULT '';
DROP VIEW conflicts;
CREATE VIEW conflicts AS
SELECT input, lead, actor, outcome, channel, holder, clause, instant_text(at) AS at FROM conflict;
