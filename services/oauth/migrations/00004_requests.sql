-- +goose Up

-- A pushed request (RFC 9126) is the waiting request it becomes. unopened: no
-- browser has come with it yet. unable is what its user has said not to be able
-- to: the subject and the authentication context class.
ALTER TABLE authorization_requests ADD COLUMN unopened BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE authorization_requests ADD COLUMN unable TEXT NOT NULL DEFAULT '';
