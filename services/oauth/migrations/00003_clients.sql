-- +goose Up

-- Everything about a client that is only ever read with it is in metadata, in
-- JSON; the columns from before hold the same as long as older programs run.
-- former_secret_hash is the secret before the last rotation. registration_hash
-- is of the token that manages a client which registered itself (RFC 7592).
ALTER TABLE clients ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN hub BIGINT;
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE clients ADD COLUMN modified_time BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN secret_time BIGINT;
ALTER TABLE clients ADD COLUMN former_secret_hash BYTEA;
ALTER TABLE clients ADD COLUMN former_secret_expiration_time BIGINT;
ALTER TABLE clients ADD COLUMN registration_hash BYTEA;
UPDATE clients SET
    number = (SELECT COUNT(*) FROM clients AS before WHERE before.id <= clients.id),
    hash = {{random_hash}},
    modified_time = created_time,
    secret_time = CASE WHEN secret_hash IS NULL THEN NULL ELSE created_time END;
CREATE UNIQUE INDEX clients_number ON clients (number);
CREATE UNIQUE INDEX clients_hash ON clients (hash);
CREATE INDEX clients_hub ON clients (hub) WHERE hub IS NOT NULL;

-- Initial access tokens (RFC 7591), by the SHA-256 of their text.
CREATE TABLE registration_tokens (
    id {{identity}},
    token_hash BYTEA NOT NULL UNIQUE,
    name TEXT NOT NULL,
    hub BIGINT,
    uses BIGINT,
    expiration_time BIGINT,
    created_time BIGINT NOT NULL
);

-- One-time ids that have been used: assertions and proofs (RFC 7523, RFC 9449).
CREATE TABLE spent_ids (
    id_hash BYTEA NOT NULL PRIMARY KEY,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX spent_ids_expiration ON spent_ids (expiration_time);

-- What the names of users to pairwise clients are made with, sealed; one row.
CREATE TABLE pairwise_salt (
    id BIGINT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- What follows a commit: the text is that of package outbox.
CREATE TABLE outbox (
    id {{identity}},
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    payload BYTEA,
    trace TEXT NOT NULL DEFAULT '',
    attempts BIGINT NOT NULL DEFAULT 0,
    lease TEXT NOT NULL DEFAULT '',
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    error TEXT NOT NULL DEFAULT '',
    UNIQUE (topic, key)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (finished_at) WHERE state = 'dead';
CREATE INDEX outbox_delivered ON outbox (finished_at) WHERE state = 'delivered';
