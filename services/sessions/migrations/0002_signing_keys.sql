-- +goose Up
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
