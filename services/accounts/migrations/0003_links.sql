-- +goose Up

-- Mailed links other than activations: to a new address, to set a password, to
-- confirm that a factor was lost, to lift a lock. digest is the SHA-256 of the
-- link, which is nowhere else but in the sealed outbox. A link is opened, where
-- that is a step of its own, and used; data is what it was made for, as JSON.
CREATE TABLE links (
    id {{identity}},
    digest BYTEA NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    created_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    opened_time BIGINT,
    used_time BIGINT,
    revoked_time BIGINT
);
CREATE INDEX links_user ON links (user_id, kind);
CREATE INDEX links_expiration ON links (expiration_time);

-- Who acted in the actor's name.
ALTER TABLE audit ADD COLUMN impersonator_id BIGINT;
