-- +goose Up

-- A personal access token: its text is known by its SHA-256 alone. scopes is a
-- list in JSON; without an expiration it is good until it is deleted.
CREATE TABLE access_tokens (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    digest BYTEA NOT NULL UNIQUE,
    user_id BIGINT NOT NULL,
    user_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expiration_time BIGINT,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);

CREATE INDEX access_tokens_user ON access_tokens (user_id, id);

-- Those that expired long enough ago to go.
CREATE INDEX access_tokens_expiration ON access_tokens (expiration_time) WHERE expiration_time IS NOT NULL;

-- When a token was last used; apart from the token as session_uses is.
CREATE TABLE access_token_uses (
    token_id BIGINT PRIMARY KEY REFERENCES access_tokens (id) ON DELETE CASCADE,
    used_time BIGINT NOT NULL
);

