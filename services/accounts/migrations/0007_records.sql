-- +goose Up

-- Pictures of users, drawn anew from the pixels of what was uploaded.
CREATE TABLE images (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    extension TEXT NOT NULL,
    mime TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL,
    modified_user_time BIGINT NOT NULL,
    data BYTEA NOT NULL
);

-- When the account will be deleted, as its user has asked.
ALTER TABLE users ADD COLUMN deletion_time BIGINT;
CREATE INDEX users_deletion ON users (deletion_time) WHERE deletion_time IS NOT NULL;

-- What makes an event of another service one event.
ALTER TABLE audit ADD COLUMN event_key TEXT;
CREATE UNIQUE INDEX audit_event_key ON audit (event_key);
-- For lists of one's own events, newest first, and for what is left of somebody
-- once the account is deleted.
CREATE INDEX audit_own ON audit (user_id, id);
CREATE INDEX audit_actor ON audit (actor_id);
CREATE INDEX audit_impersonator ON audit (impersonator_id) WHERE impersonator_id IS NOT NULL;
-- For one kind of a hub's events.
CREATE INDEX audit_hub_kind ON audit (hub_id, kind, id);
