-- +goose Up

-- What others may rely on, described in docs/views.md. Times are UTC text.

CREATE VIEW leads AS
SELECT l.id, l.name, l.email, a.name AS account, nullif(l.account, 0) AS account_id, l.stage, l.side, l.outcome, l.pass,
    datetime(l.entered_at / 1000000, 'unixepoch') AS entered_at, l.owner, l.queue, l.track, CASE WHEN l.revisit_at BETWEEN 1 AND 9223372036854775806 THEN datetime(l.revisit_at / 1000000, 'unixepoch') END AS revisit_at,
    l.grade, (l.fit + l.engagement) / 1e6 AS score, l.fit / 1e6 AS fit, l.engagement / 1e6 AS engagement, l.readiness, l.buying_stage,
    l.activities, l.consent, l.value, l.origin, l.source, l.campaign, l.segment,
    datetime(l.created_at / 1000000, 'unixepoch') AS created_at, datetime(l.clock / 1000000, 'unixepoch') AS decided_at, CASE WHEN l.due BETWEEN 1 AND 9223372036854775806 THEN datetime(l.due / 1000000, 'unixepoch') END AS due_at,
    l.version AS agreement, l.attributes
FROM lead l LEFT JOIN account a ON a.id = l.account;

CREATE VIEW accounts AS
SELECT id, key, name, owner, attributes FROM account;

CREATE VIEW visits AS
SELECT id, lead, n, pass, stage, side, outcome, from_stage, to_stage, datetime(entered_at / 1000000, 'unixepoch') AS entered_at, datetime(left_at / 1000000, 'unixepoch') AS left_at,
    date(entered_day * 86400, 'unixepoch') AS entered_day, date(left_day * 86400, 'unixepoch') AS left_day, (left_at - entered_at) / 3.6e9 AS hours, entered_via, left_via
FROM visit;

CREATE VIEW handoffs AS
SELECT id, lead, name, pass, state, datetime(offered_at / 1000000, 'unixepoch') AS offered_at, date(offered_day * 86400, 'unixepoch') AS offered_day, owner, queue,
    datetime(accept_due / 1000000, 'unixepoch') AS accept_due, datetime(accepted_at / 1000000, 'unixepoch') AS accepted_at, accepted_by, accept_used / 3.6e9 AS accept_hours,
    datetime(accept_breached_at / 1000000, 'unixepoch') AS accept_breached_at, datetime(contact_due / 1000000, 'unixepoch') AS contact_due, datetime(contacted_at / 1000000, 'unixepoch') AS contacted_at,
    contact_used / 3.6e9 AS contact_hours, datetime(contact_breached_at / 1000000, 'unixepoch') AS contact_breached_at, datetime(closed_at / 1000000, 'unixepoch') AS closed_at, reason, reassigned
FROM handoff;

CREATE VIEW clocks AS
SELECT id, lead, name, state, member, datetime(started_at / 1000000, 'unixepoch') AS started_at, datetime(due_at / 1000000, 'unixepoch') AS due_at, datetime(breached_at / 1000000, 'unixepoch') AS breached_at, breaches,
    datetime(stopped_at / 1000000, 'unixepoch') AS stopped_at, CASE unit WHEN 0 THEN 'hours' WHEN 1 THEN 'working hours' ELSE 'working days' END AS unit,
    within / CASE unit WHEN 2 THEN 1e9 ELSE 3.6e9 END AS within, used / CASE unit WHEN 2 THEN 1e9 ELSE 3.6e9 END AS used
FROM clock;

CREATE VIEW inputs AS
SELECT i.id, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' END AS kind, nullif(i.lead, 0) AS lead, datetime(i.at / 1000000, 'unixepoch') AS at, datetime(i.known / 1000000, 'unixepoch') AS known, nullif(i.import, 0) AS import, i.body
FROM input i;

CREATE VIEW activities AS
SELECT i.id, i.lead, i.body ->> '$.name' AS activity, i.body ->> '$.asset' AS asset, datetime(i.at / 1000000, 'unixepoch') AS at, datetime(i.known / 1000000, 'unixepoch') AS known,
    coalesce(i.body ->> '$.bot', 0) AS bot, i.body ->> '$.source' AS source, i.body -> '$.values' AS properties
FROM input i WHERE i.kind = 2;

CREATE VIEW decisions AS
SELECT d.input, d.lead, datetime(i.known / 1000000, 'unixepoch') AS at, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' END AS kind, d.version AS agreement, nullif(d.body, '') AS body, d.error
FROM decision d JOIN input i ON i.id = d.input;

CREATE VIEW changes AS
SELECT d.input, c.key + 1 AS n, d.lead, datetime(i.known / 1000000, 'unixepoch') AS at, c.value ->> '$.kind' AS kind, c.value ->> '$.name' AS name,
    c.value ->> '$.from' AS from_value, c.value ->> '$.to' AS to_value,
    json_extract(d.body, '$.reasons[' || ((c.value ->> '$.reason') - 1) || '].clause') AS clause, d.version AS agreement, c.value AS body
FROM decision d JOIN input i ON i.id = d.input JOIN json_each(CASE d.body WHEN '' THEN '{}' ELSE d.body END, '$.changes') c;

CREATE VIEW reasons AS
SELECT d.input, r.key + 1 AS n, d.lead, datetime(i.known / 1000000, 'unixepoch') AS at, r.value ->> '$.clause' AS clause, r.value ->> '$.text' AS text,
    r.value -> '$.saw' AS saw, d.version AS agreement
FROM decision d JOIN input i ON i.id = d.input JOIN json_each(CASE d.body WHEN '' THEN '{}' ELSE d.body END, '$.reasons') r;

CREATE VIEW problems AS
SELECT d.input, nullif(d.lead, 0) AS lead, datetime(i.known / 1000000, 'unixepoch') AS at, CASE i.kind WHEN 1 THEN 'identify' WHEN 2 THEN 'activity' WHEN 3 THEN 'answer' WHEN 4 THEN 'consent' WHEN 5 THEN 'accept' WHEN 6 THEN 'reject' WHEN 7 THEN 'hand_back' WHEN 8 THEN 'contact' WHEN 9 THEN 'assign' WHEN 10 THEN 'move' WHEN 11 THEN 'win' WHEN 12 THEN 'lose' WHEN 13 THEN 'timer' WHEN 14 THEN 'activate' WHEN 15 THEN 'refresh' WHEN 16 THEN 'member' WHEN 17 THEN 'leave' WHEN 18 THEN 'absence' WHEN 19 THEN 'own_account' WHEN 20 THEN 'retract' END AS kind, d.error, i.body
FROM decision d JOIN input i ON i.id = d.input WHERE d.error IS NOT NULL;

CREATE VIEW same_person AS
SELECT k.lead, k.other, CASE k.kind WHEN 1 THEN 'email' WHEN 2 THEN 'id' WHEN 3 THEN 'phone' ELSE 'anonymous' END AS kind, k.value, k.input
FROM key_conflict k;

CREATE VIEW members AS
SELECT id, name, side, manager, pools, weight, capacity, active, away, open, taken FROM member;

CREATE VIEW ledgers AS
SELECT pool, member, debt / 1e6 AS debt, handicap / 1e6 AS handicap, CASE WHEN since BETWEEN 1 AND 9223372036854775806 THEN datetime(since / 1000000, 'unixepoch') END AS since, given FROM ledger;

CREATE VIEW agreements AS
SELECT version, name, hash, file, datetime(activated_at / 1000000, 'unixepoch') AS activated_at, CAST(source AS TEXT) AS source FROM agreement;

CREATE VIEW imports AS
SELECT id, name, file, state, datetime(started_at / 1000000, 'unixepoch') AS started_at, datetime(finished_at / 1000000, 'unixepoch') AS finished_at, rows, arrivals, refused, notes FROM import;

CREATE VIEW jobs AS
SELECT id, kind, datetime(due / 1000000, 'unixepoch') AS due_at, recipient, lead, input, state, attempts, last_error, body FROM job;
