-- +goose Up

-- Failed attempts. key is the keyed MAC of what was tried and from where, so
-- that the table tells no names. refused_time is when an attempt was refused
-- last that was worth an audit record.
CREATE TABLE throttles (
    key BYTEA PRIMARY KEY,
    failures BIGINT NOT NULL,
    started_time BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    refused_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);
CREATE INDEX throttles_modified ON throttles (modified_time);

-- From where users have come in: kind is device or network.
CREATE TABLE known_places (
    id {{identity}},
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    seen_time BIGINT NOT NULL,
    UNIQUE (user_id, kind, value)
);
CREATE INDEX known_places_seen ON known_places (seen_time);

-- The passwords before the one in credentials, of the same form.
CREATE TABLE password_history (
    id {{identity}},
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    created_time BIGINT NOT NULL
);
CREATE INDEX password_history_user ON password_history (user_id, id);
