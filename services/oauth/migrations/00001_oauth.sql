-- +goose Up
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    public BOOLEAN NOT NULL,
    secret_hash BYTEA,
    auth_method TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    scopes TEXT NOT NULL,
    first_party BOOLEAN NOT NULL,
    pkce_optional BOOLEAN NOT NULL,
    resource_server BOOLEAN NOT NULL,
    created_time BIGINT NOT NULL
);

CREATE TABLE authorization_requests (
    id_hash BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    request TEXT NOT NULL,
    asked_subject TEXT NOT NULL DEFAULT '',
    created_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX authorization_requests_client ON authorization_requests (client_id);
CREATE INDEX authorization_requests_expiration ON authorization_requests (expiration_time);

CREATE TABLE consents (
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    granted_time BIGINT NOT NULL,
    PRIMARY KEY (subject, client_id, scope)
);
CREATE INDEX consents_client ON consents (client_id);

CREATE TABLE grants (
    id BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    session TEXT NOT NULL,
    scopes TEXT NOT NULL,
    details TEXT NOT NULL,
    code_hash BYTEA NOT NULL,
    code_expiration_time BIGINT NOT NULL,
    code_used_time BIGINT,
    generation BIGINT NOT NULL DEFAULT 0,
    rotated_time BIGINT,
    created_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    revoked_time BIGINT
);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_expiration ON grants (expiration_time);

CREATE TABLE revoked_tokens (
    id BYTEA NOT NULL PRIMARY KEY,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_expiration ON revoked_tokens (expiration_time);

CREATE TABLE signing_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    alg        TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    signs_from BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (name, generation)
);
