-- +goose Up

-- What people search for is mostly a name: it is not saved any more.
DELETE FROM saved_filter WHERE page = '/search';
