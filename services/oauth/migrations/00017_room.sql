-- +goose Up

-- vouched: the client has authenticated when it pushed the request (RFC 9126), so
-- that strangers cannot have made it.
ALTER TABLE authorization_requests ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX authorization_requests_room ON authorization_requests (client_id, unopened, vouched, created_time);
DROP INDEX authorization_requests_client;

-- asked_subject is the user who was shown the device.
ALTER TABLE device_requests ADD COLUMN asked_subject TEXT NOT NULL DEFAULT '';
