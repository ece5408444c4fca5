-- +goose Up

-- How hubs use upstream providers. domains is a list in JSON.
CREATE TABLE sign_ins (
    hub_id BIGINT NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    own BOOLEAN NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('optional', 'individual', 'mandatory')),
    title TEXT NOT NULL,
    issuer TEXT NOT NULL,
    domains TEXT NOT NULL,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL,
    PRIMARY KEY (hub_id, provider)
);

-- An identity with a hub counts for that hub alone: its own provider says so, or
-- its administrators do (assigned). Its issuer is then "hub:ID ISSUER", so that
-- every hub has names of its own, which no issuer is called by.
ALTER TABLE identities ADD COLUMN hub_id BIGINT REFERENCES hubs (id) ON DELETE CASCADE;
ALTER TABLE identities ADD COLUMN assigned BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX identities_hub ON identities (hub_id) WHERE hub_id IS NOT NULL;

-- Who members will be at a provider, by the address that it will tell, until they
-- have come.
CREATE TABLE assigned_identities (
    hub_id BIGINT NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    created_time BIGINT NOT NULL,
    PRIMARY KEY (hub_id, user_id, provider),
    UNIQUE (hub_id, provider, email_key)
);
CREATE INDEX assigned_identities_user ON assigned_identities (user_id);
