-- +goose Up

-- The mark of the form by which something was asked for: what is put on record with one is done once. NULL for no form.
ALTER TABLE audit ADD COLUMN form TEXT;
CREATE UNIQUE INDEX audit_form ON audit (form);
