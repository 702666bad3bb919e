-- +goose Up

-- Stays in stages that leads come to from another: few, beside the first stay of each lead.
CREATE INDEX visit_moved ON visit (stage, id) WHERE prev > 0;

-- In order: who asks for those who are in a stage now begins with the last who came.
DROP INDEX visit_open;
CREATE INDEX visit_open ON visit (stage, id) WHERE left_at IS NULL;
