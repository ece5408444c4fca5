-- +goose Up

-- Apps that a user has authorised, one row for the scopes in consents: the names
-- under which users see and withdraw it.
CREATE TABLE consented_clients (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL,
    UNIQUE (subject, client_id)
);
CREATE INDEX consented_clients_client ON consented_clients (client_id);

-- For withdrawing it and for forgetting a user.
CREATE INDEX grants_subject ON grants (subject, client_id);

-- Logins at upstream providers that have begun. state_hash is the SHA-256 of the
-- state; verifier (RFC 7636) and nonce are sealed.
CREATE TABLE identity_states (
    state_hash BYTEA NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    binding TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    secrets BYTEA NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX identity_states_expiration ON identity_states (expiration_time);

-- Consents from before have no such row; their users are asked once more.
DELETE FROM consents;
