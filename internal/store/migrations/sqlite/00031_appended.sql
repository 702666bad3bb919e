-- +goose Up

-- Nothing: SQLite appends what is appended.
SELECT 1;
