-- +goose Up

-- Whom a message is for: one receiver that hangs must not hold up the others.
-- The text is that of the outbox package (lanes.sql).
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT '';
