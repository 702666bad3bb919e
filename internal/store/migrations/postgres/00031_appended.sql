-- +goose Up

-- Inputs and decisions are appended and hardly ever change. Vacuuming them for what was appended finds nothing to take away; but it notes
-- which old pages have a little room, and then new rows go there, a page each.
ALTER TABLE input SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE decision SET (autovacuum_vacuum_insert_threshold = -1);
