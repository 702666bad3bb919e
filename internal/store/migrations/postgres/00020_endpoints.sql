-- +goose Up

-- How each endpoint of jobs answers: a webhook, the mail server, somebody's address in chat. It is written with the try, so that nobody
-- has to look through tries to see since when there is no way through.
CREATE TABLE reach (
    endpoint      TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- as job has it
    done_at       BIGINT NOT NULL, -- when it last took something, 0 for never
    tried_at      BIGINT NOT NULL, -- when it was last tried
    failing_since BIGINT NOT NULL, -- the first try that failed since it last took something, 0 for none
    code          BIGINT NOT NULL, -- of the last try, as attempt has it
    why           TEXT   NOT NULL
);

-- The jobs of a webhook, and of every other way, in their order; those that failed; and those that wait for another try.
CREATE INDEX job_webhook ON job (endpoint, id) WHERE channel = 'webhook';
CREATE INDEX job_channel ON job (channel, id) WHERE channel <> 'webhook';
CREATE INDEX job_failed_webhook ON job (endpoint, id) WHERE state = 'failed' AND channel = 'webhook';
CREATE INDEX job_failed_channel ON job (channel, id) WHERE state = 'failed' AND channel <> 'webhook';
CREATE INDEX job_again ON job (endpoint, next_try, state, attempts) WHERE state = 'waiting' AND attempts > 0;
