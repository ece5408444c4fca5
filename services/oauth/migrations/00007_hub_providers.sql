-- +goose Up

-- Upstream providers as hubs use them. Without an issuer it is that of the
-- installation with the name; else the hub has brought it along, and the secret
-- is sealed. In which mode is the accounts service's to know.
CREATE TABLE hub_providers (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    hub BIGINT NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret BYTEA,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL,
    UNIQUE (hub, name)
);

-- Where the user wants to go who logs in. The provider of a hub is named by its
-- hash.
ALTER TABLE identity_states ADD COLUMN hub BIGINT;
