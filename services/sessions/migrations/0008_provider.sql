-- +goose Up

-- Who vouched for the user of a session, and the hub for which alone that counts.
ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN provider_hub BIGINT;
