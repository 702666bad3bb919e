-- +goose Up

-- What others may rely on, described in docs/views.md. Times are UTC text, as on SQLite.

CREATE FUNCTION instant_text(bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT to_char(timestamp '1970-01-01' + ($1 / 1000000) * interval '1 second', 'YYYY-MM-DD HH24:MI:SS') $$;
CREATE FUNCTION day_text(bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT to_char(date '1970-01-01' + CAST($1 AS integer), 'YYYY-MM-DD') $$;
CREATE FUNCTION input_word(bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE $1 WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract'
        WHEN 21 THEN 'merged' WHEN 22 THEN 'merge' WHEN 23 THEN 'split' WHEN 24 THEN 'restored' WHEN 25 THEN 'join_account' END $$;

CREATE VIEW leads AS
SELECT l.id, l.name, l.email, a.name AS account, nullif(l.account, 0) AS account_id, l.stage, l.side, l.outcome, l.pass,
    instant_text(l.entered_at) AS entered_at, l.owner, l.queue, l.track, CASE WHEN l.revisit_at BETWEEN 1 AND 9223372036854775806 THEN instant_text(l.revisit_at) END AS revisit_at,
    l.grade, (l.fit + l.engagement) / float8 '1e6' AS score, l.fit / float8 '1e6' AS fit, l.engagement / float8 '1e6' AS engagement, l.readiness, l.buying_stage,
    l.activities, l.consent, l.value, l.origin, l.source, l.campaign, l.segment,
    instant_text(l.created_at) AS created_at, instant_text(l.clock) AS decided_at, CASE WHEN l.due BETWEEN 1 AND 9223372036854775806 THEN instant_text(l.due) END AS due_at,
    l.version AS agreement, l.attributes
FROM lead l LEFT JOIN account a ON a.id = l.account;

CREATE VIEW accounts AS
SELECT id, key, name, owner, attributes FROM account;

CREATE VIEW visits AS
SELECT id, lead, n, pass, stage, side, outcome, from_stage, to_stage, instant_text(entered_at) AS entered_at, instant_text(left_at) AS left_at,
    day_text(entered_day) AS entered_day, day_text(left_day) AS left_day, (left_at - entered_at) / float8 '3.6e9' AS hours, entered_via, left_via
FROM visit;

CREATE VIEW handoffs AS
SELECT id, lead, name, pass, state, instant_text(offered_at) AS offered_at, day_text(offered_day) AS offered_day, owner, queue,
    instant_text(accept_due) AS accept_due, instant_text(accepted_at) AS accepted_at, accepted_by, accept_used / float8 '3.6e9' AS accept_hours,
    instant_text(accept_breached_at) AS accept_breached_at, instant_text(contact_due) AS contact_due, instant_text(contacted_at) AS contacted_at,
    contact_used / float8 '3.6e9' AS contact_hours, instant_text(contact_breached_at) AS contact_breached_at, instant_text(closed_at) AS closed_at, reason, reassigned
FROM handoff;

CREATE VIEW clocks AS
SELECT id, lead, name, state, member, instant_text(started_at) AS started_at, instant_text(due_at) AS due_at, instant_text(breached_at) AS breached_at, breaches,
    instant_text(stopped_at) AS stopped_at, CASE unit WHEN 0 THEN 'hours' WHEN 1 THEN 'working hours' ELSE 'working days' END AS unit,
    within / CASE unit WHEN 2 THEN float8 '1e9' ELSE float8 '3.6e9' END AS within, used / CASE unit WHEN 2 THEN float8 '1e9' ELSE float8 '3.6e9' END AS used
FROM clock;

CREATE VIEW inputs AS
SELECT i.id, input_word(i.kind) AS kind, nullif(i.lead, 0) AS lead, instant_text(i.at) AS at, instant_text(i.known) AS known, nullif(i.import, 0) AS import, i.body
FROM input i;

CREATE VIEW activities AS
SELECT i.id, i.lead, CAST(i.body AS json) ->> 'name' AS activity, CAST(i.body AS json) ->> 'asset' AS asset, instant_text(i.at) AS at, instant_text(i.known) AS known,
    coalesce(CAST(CAST(CAST(i.body AS json) ->> 'bot' AS boolean) AS integer), 0) AS bot, CAST(i.body AS json) ->> 'source' AS source, CAST(CAST(i.body AS json) -> 'values' AS text) AS properties
FROM input i WHERE i.kind = 2;

CREATE VIEW decisions AS
SELECT d.input, d.lead, instant_text(i.known) AS at, input_word(i.kind) AS kind, d.version AS agreement, nullif(d.body, '') AS body, d.error
FROM decision d JOIN input i ON i.id = d.input;

CREATE VIEW changes AS
SELECT d.input, c.n, d.lead, instant_text(i.known) AS at, c.value ->> 'kind' AS kind, c.value ->> 'name' AS name,
    c.value ->> 'from' AS from_value, c.value ->> 'to' AS to_value,
    CAST(d.body AS json) -> 'reasons' -> (CAST(c.value ->> 'reason' AS integer) - 1) ->> 'clause' AS clause, d.version AS agreement, CAST(c.value AS text) AS body
FROM decision d JOIN input i ON i.id = d.input CROSS JOIN LATERAL json_array_elements(CAST(nullif(d.body, '') AS json) -> 'changes') WITH ORDINALITY AS c (value, n);

CREATE VIEW reasons AS
SELECT d.input, r.n, d.lead, instant_text(i.known) AS at, r.value ->> 'clause' AS clause, r.value ->> 'text' AS text,
    CAST(r.value -> 'saw' AS text) AS saw, d.version AS agreement
FROM decision d JOIN input i ON i.id = d.input CROSS JOIN LATERAL json_array_elements(CAST(nullif(d.body, '') AS json) -> 'reasons') WITH ORDINALITY AS r (value, n);

CREATE VIEW problems AS
SELECT d.input, nullif(d.lead, 0) AS lead, instant_text(i.known) AS at, input_word(i.kind) AS kind, d.error, i.body
FROM decision d JOIN input i ON i.id = d.input WHERE d.error IS NOT NULL;

CREATE VIEW same_person AS
SELECT k.lead, k.other, CASE k.kind WHEN 1 THEN 'email' WHEN 2 THEN 'id' WHEN 3 THEN 'phone' ELSE 'anonymous' END AS kind, k.value, k.input
FROM key_conflict k;

CREATE VIEW members AS
SELECT id, name, side, manager, pools, weight, capacity, active, away, open, taken FROM member;

CREATE VIEW ledgers AS
SELECT pool, member, debt / float8 '1e6' AS debt, handicap / float8 '1e6' AS handicap, CASE WHEN since BETWEEN 1 AND 9223372036854775806 THEN instant_text(since) END AS since, given FROM ledger;

CREATE VIEW agreements AS
SELECT version, name, hash, file, instant_text(activated_at) AS activated_at, convert_from(source, 'UTF8') AS source FROM agreement;

CREATE VIEW imports AS
SELECT id, name, file, state, instant_text(started_at) AS started_at, instant_text(finished_at) AS finished_at, rows, arrivals, refused, notes FROM import;

CREATE VIEW jobs AS
SELECT id, kind, instant_text(due) AS due_at, recipient, lead, input, state, attempts, last_error, body FROM job;
