-- +goose Up

-- Whether the recovery of a lost factor waits for the technical administrators.
ALTER TABLE hubs ADD COLUMN recovery_approval BOOLEAN NOT NULL DEFAULT TRUE;

-- Which hub has disabled the account, and may enable it again; NULL: the
-- operator.
ALTER TABLE users ADD COLUMN disabled_hub_id BIGINT;

-- Somebody is listed in a hub before they have joined, and is then what the hub
-- has written down: number and hash are how it calls them, so that neither tells
-- anything about the account. Whoever has joined is called like their account,
-- and the rest is empty.
ALTER TABLE memberships ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN first_name TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN last_name TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN language INTEGER NOT NULL DEFAULT 0;
-- The name in the form that lists are sorted and searched by.
ALTER TABLE memberships ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
-- May act as other members.
ALTER TABLE memberships ADD COLUMN impersonation BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE memberships ADD COLUMN joined_time BIGINT;
-- When the open invitation was mailed last, and how often by itself.
ALTER TABLE memberships ADD COLUMN invited_time BIGINT;
ALTER TABLE memberships ADD COLUMN resends INTEGER NOT NULL DEFAULT 0;

UPDATE memberships SET number = user_id, joined_time = created_time,
    hash = (SELECT users.hash FROM users WHERE users.id = memberships.user_id),
    name_key = (SELECT TRIM(LOWER(users.first_name || ' ' || users.last_name)) FROM users WHERE users.id = memberships.user_id);

CREATE UNIQUE INDEX memberships_number ON memberships (hub_id, number);
CREATE UNIQUE INDEX memberships_hash ON memberships (hub_id, hash);
CREATE INDEX memberships_name ON memberships (hub_id, name_key, number);
CREATE INDEX memberships_invited ON memberships (invited_time) WHERE invited_time IS NOT NULL;

-- By which the sends of an invitation are counted.
CREATE INDEX activations_member ON activations (hub_id, user_id, created_time);
