-- +goose Up

-- any_secret: the client has not chosen between client_secret_basic and
-- client_secret_post, and may send its secret either way. hub_hash is by what its
-- hub's resources are known; empty if it has no hub, or was made before.
ALTER TABLE clients ADD COLUMN any_secret BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE clients ADD COLUMN hub_hash TEXT NOT NULL DEFAULT '';

-- issuer is the user who made a hub's token, which is good for as long as they may
-- make one. resources, in JSON, are what the clients of an operator's may name.
ALTER TABLE registration_tokens ADD COLUMN issuer BIGINT;
ALTER TABLE registration_tokens ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';

-- Who made those of hubs before, nobody can tell here.
DELETE FROM registration_tokens WHERE hub IS NOT NULL;
