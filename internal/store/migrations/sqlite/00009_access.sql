-- +goose Up

-- Who may sign in. The address is normalised, and is the ID of the same person as a member. password is an Argon2id hash, totp a sealed
-- secret, recovery SHA-256 sums of codes with spaces between; each is empty for none.
CREATE TABLE access_user (
    id             INTEGER PRIMARY KEY,
    email          TEXT    NOT NULL UNIQUE,
    name           TEXT    NOT NULL,
    roles          TEXT    NOT NULL, -- words with spaces between
    password       TEXT    NOT NULL,
    totp           TEXT    NOT NULL,
    totp_step      INTEGER NOT NULL, -- the last one used: none counts twice
    recovery       TEXT    NOT NULL,
    subject        TEXT    NOT NULL, -- issuer and subject at the provider of sign-ins, a space between
    created_at     INTEGER NOT NULL,
    signed_in_at   INTEGER NOT NULL, -- 0 for never
    deactivated_at INTEGER NOT NULL  -- 0 for not
) STRICT;
CREATE UNIQUE INDEX access_user_subject ON access_user (subject) WHERE subject <> '';

-- Browsers that are signed in. A token of 256 random bits is in the cookie, and its SHA-256 here.
CREATE TABLE access_session (
    id         INTEGER PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE,
    user_id    INTEGER NOT NULL,
    how        TEXT    NOT NULL, -- password, totp, recovery, provider, link, demo
    address    TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL -- to ten minutes
) STRICT;
CREATE INDEX access_session_user ON access_session (user_id);

-- Links that let somebody set a password once, and the code of the first set-up, by their SHA-256.
CREATE TABLE access_link (
    hash    BLOB    PRIMARY KEY,
    kind    TEXT    NOT NULL, -- invitation, reset, set_up
    user_id INTEGER NOT NULL, -- 0 for a set-up
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what when. Rows are added and never changed.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL, -- a user's address, "key NAME", "command line"; empty for somebody unknown
    address TEXT    NOT NULL, -- of the network, empty for none
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL, -- whom or what it was done to
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_subject ON audit (subject, id);

-- That the people in this database are made up, so that anybody may sign in as any of them.
CREATE TABLE made_up (
    id INTEGER PRIMARY KEY, -- 1
    at INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
-- +goose StatementEnd
