-- +goose Up

-- Whom a message is for: one receiver that hangs must not hold up the others.
-- The text is that of the outbox package (lanes.sql).
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT '';

-- What is to become of a hub's provider, until the accounts service has said that
-- it is in force. revision orders them.
CREATE TABLE hub_provider_changes (
    hub BIGINT NOT NULL,
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    hash TEXT NOT NULL,
    title TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret BYTEA,
    created_time BIGINT NOT NULL,
    PRIMARY KEY (hub, name, revision)
);
CREATE INDEX hub_provider_changes_created ON hub_provider_changes (created_time);
ALTER TABLE hub_providers ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
