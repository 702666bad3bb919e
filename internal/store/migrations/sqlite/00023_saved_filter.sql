-- +goose Up

-- What people filter a page by, under a name. page is its address, query what stands behind it, in order.
CREATE TABLE saved_filter (
    id      INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL,
    page    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    query   TEXT    NOT NULL,
    shared  INTEGER NOT NULL, -- 1: everybody who may open the page sees it
    at      INTEGER NOT NULL,
    UNIQUE (user_id, page, name)
) STRICT;
CREATE INDEX saved_filter_shared ON saved_filter (page) WHERE shared = 1;
