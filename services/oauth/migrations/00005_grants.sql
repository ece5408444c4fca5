-- +goose Up

-- Devices that wait for a user (RFC 8628). code_hash is the SHA-256 of the
-- device code, user_code_mac the keyed hash of the code that the user types.
-- grant_id is what an allowing user has granted. Rows stay for a while after
-- their time, so that a late device hears that it has expired.
CREATE TABLE device_requests (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    user_code_mac BYTEA NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'allowed', 'denied')),
    grant_id BYTEA,
    poll_interval BIGINT NOT NULL,
    polled_time BIGINT NOT NULL DEFAULT 0,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX device_requests_client ON device_requests (client_id, expiration_time);
CREATE INDEX device_requests_expiration ON device_requests (expiration_time);
