-- +goose Up

-- What a session may do less than others: its personal access token only reads.
ALTER TABLE sessions ADD COLUMN read_only BOOLEAN NOT NULL DEFAULT FALSE;

-- The session from within which its user acts as this one's, and that user. A
-- row with a parent never outlives the parent's.
ALTER TABLE sessions ADD COLUMN parent_id BIGINT;
ALTER TABLE sessions ADD COLUMN impersonator_id BIGINT;

-- issued_time: the iat of the session's newest token. tokens_since: tokens of
-- an earlier iat are void, as the session was changed then; 0 is never.
ALTER TABLE sessions ADD COLUMN issued_time BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN tokens_since BIGINT NOT NULL DEFAULT 0;

-- No refresh takes the session beyond: when its personal access token expires.
ALTER TABLE sessions ADD COLUMN latest_time BIGINT;

-- The other half of the revocation feed.
CREATE INDEX sessions_changed ON sessions (tokens_since) WHERE tokens_since > 0 AND ended_time IS NULL;

-- What ends with an impersonator's own session.
CREATE INDEX sessions_impersonator ON sessions (impersonator_id) WHERE impersonator_id IS NOT NULL AND ended_time IS NULL;
