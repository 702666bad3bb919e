-- +goose Up

-- Stays in stages that leads come to from another: few, beside the first stay of each lead.
CREATE INDEX visit_moved ON visit (stage) WHERE prev > 0;
