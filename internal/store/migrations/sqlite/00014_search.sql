-- +goose Up

-- The words of the names of leads and accounts, folded: by these they are searched. A word stays when a name changes;
-- whoever searches looks at the names that are found.
CREATE TABLE name_word (
    word TEXT    NOT NULL,
    kind INTEGER NOT NULL, -- 1 lead, 2 account
    id   INTEGER NOT NULL,
    PRIMARY KEY (kind, word, id)
) STRICT, WITHOUT ROWID;

-- A list of work is of what is under way; what has ended stays with its owner too.
CREATE INDEX lead_work ON lead (owner) WHERE owner <> '' AND outcome = '';
