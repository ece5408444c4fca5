-- +goose Up

-- Public keys of the users' devices. data is the credential record of Web
-- Authentication, without any secret; uses counts its changes, so that of two
-- logins with one signature counter at once one is noticed.
CREATE TABLE passkeys (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    synced BOOLEAN NOT NULL,
    uses BIGINT NOT NULL DEFAULT 0,
    last_used_time BIGINT,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);
CREATE INDEX passkeys_user ON passkeys (user_id, id);

-- What browsers were asked and have not answered. digest is the SHA-256 of the
-- ceremony's name; user_id is 0 where anybody may answer.
CREATE TABLE passkey_ceremonies (
    digest BYTEA NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    data TEXT NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX passkey_ceremonies_expiration ON passkey_ceremonies (expiration_time);
