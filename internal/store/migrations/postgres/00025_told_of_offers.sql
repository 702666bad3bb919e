-- +goose Up

-- When somebody was told of an offer: reports ask how long that took.
CREATE INDEX job_offer ON job (lead, delivered_at) WHERE kind = 'offered' AND delivered_at > 0;
