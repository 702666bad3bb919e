-- +goose Up

-- What was last said to a lead (8 is a contact): lists of work ask for it.
CREATE INDEX input_contact ON input (lead, id) WHERE kind = 8;
