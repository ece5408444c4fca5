-- +goose Up

-- A login session. Its token is not stored: a token is good because it is
-- signed, and only as long as its row is neither ended nor expired.
CREATE TABLE sessions (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL,
    user_hash TEXT NOT NULL,
    hub_id BIGINT,
    scope TEXT NOT NULL,
    mfa_id BIGINT,
    pat_id BIGINT,
    remember BOOLEAN NOT NULL,
    methods TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    authenticated_time BIGINT NOT NULL,
    created_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    ended_time BIGINT
);

-- The sessions of a user that may still be good: for the limit and for ending
-- them all.
CREATE INDEX sessions_user ON sessions (user_id, id) WHERE ended_time IS NULL;

-- The number of active sessions, and the expired ones that may go.
CREATE INDEX sessions_expiration ON sessions (expiration_time) WHERE ended_time IS NULL;

-- The revocation feed, and the ended ones that may go.
CREATE INDEX sessions_ended ON sessions (ended_time) WHERE ended_time IS NOT NULL;

-- When a session was last used. Apart from the session, so that noting the use
-- of many sessions at once never waits for, or deadlocks with, their ending.
CREATE TABLE session_uses (
    session_id BIGINT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    used_time BIGINT NOT NULL
);

-- One row per user who ever had a session. Writing it first makes whatever
-- opens or ends several sessions of that user wait for one another.
-- ended_before: proofs of identity that are older open no session any more.
CREATE TABLE session_users (
    user_id BIGINT PRIMARY KEY,
    ended_before BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);
