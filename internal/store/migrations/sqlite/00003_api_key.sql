-- +goose Up

-- Who may send and ask. A key is shown once and never kept: hash is its SHA-256. A hash made to be
-- slow protects what can be guessed; 256 random bits cannot, and each request would pay for it.
CREATE TABLE api_key (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    scope        TEXT    NOT NULL,
    hash         BLOB    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL, -- 0 for never; to the minute
    revoked_at   INTEGER NOT NULL  -- 0 for not
) STRICT;
