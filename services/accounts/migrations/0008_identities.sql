-- +goose Up

-- Users as upstream providers know them. The subject is the issuer's name for
-- the user; email and name are what the provider said last.
CREATE TABLE identities (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    last_used_time BIGINT,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);
