-- +goose Up

-- Sessions that apps were signed in from, and those that have ended of late, of
-- which nothing may come any more. Issuing a code and ending the session both
-- write the row, and so wait for each other.
CREATE TABLE login_sessions (
    session TEXT NOT NULL PRIMARY KEY,
    ended_time BIGINT,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX login_sessions_expiration ON login_sessions (expiration_time);

-- Whom to tell of a session's end: the apps that were signed in from it and have
-- a logout URI.
CREATE TABLE session_clients (
    session TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    expiration_time BIGINT NOT NULL,
    PRIMARY KEY (session, client_id)
);
CREATE INDEX session_clients_client ON session_clients (client_id);
CREATE INDEX session_clients_subject ON session_clients (subject);
CREATE INDEX session_clients_expiration ON session_clients (expiration_time);

CREATE INDEX grants_session ON grants (session) WHERE revoked_time IS NULL;
