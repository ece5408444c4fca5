-- +goose Up

-- What the scope meant when it was allowed: 1 before users said more of themselves
-- than the account knows, 2 since.
ALTER TABLE consents ADD COLUMN meaning INTEGER NOT NULL DEFAULT 1;
