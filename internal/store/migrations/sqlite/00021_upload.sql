-- +goose Up

-- Who began an import (a user's address, "key NAME", "command line"; '' for somebody unknown), and what reading the file came to: JSON, '' for not known.
ALTER TABLE import ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE import ADD COLUMN told TEXT NOT NULL DEFAULT '';

-- Files that somebody sent and has not imported yet. look, told and form are JSON: what the file is like, what
-- reading it came to, and what its columns become. Rows go some days after they came.
CREATE TABLE upload (
    id     INTEGER PRIMARY KEY,
    file   TEXT    NOT NULL,
    size   INTEGER NOT NULL, -- bytes
    actor  TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    header TEXT    NOT NULL, -- hash of the names of the columns
    look   TEXT    NOT NULL,
    form   TEXT    NOT NULL,
    told   TEXT    NOT NULL, -- '' before a dry run of this form
    import INTEGER NOT NULL  -- 0 for none yet
) STRICT;

-- The files themselves, packed, in pieces: kind is upload or unchecked, with the id of the upload, or
-- refused or reading, with that of the import.
CREATE TABLE piece (
    kind TEXT    NOT NULL,
    id   INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    data BLOB    NOT NULL,
    PRIMARY KEY (kind, id, n)
) STRICT;

-- What the columns of an earlier file became, by their names: proposed for the next that has the same.
CREATE TABLE mapping (
    header TEXT    PRIMARY KEY,
    form   TEXT    NOT NULL,
    actor  TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
