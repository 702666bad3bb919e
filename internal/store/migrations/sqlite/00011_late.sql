-- +goose Up

-- The rows of leads may be behind what was decided from this input on; no row if none is.
CREATE TABLE late (
    id    INTEGER PRIMARY KEY,
    input INTEGER NOT NULL
) STRICT;
