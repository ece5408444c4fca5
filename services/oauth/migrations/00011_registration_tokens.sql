-- +goose Up

-- The JSON API names initial access tokens by their hash, too, which tells nothing
-- about their text. modified_time is when the last client was registered.
ALTER TABLE registration_tokens ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE registration_tokens ADD COLUMN modified_time BIGINT NOT NULL DEFAULT 0;
UPDATE registration_tokens SET hash = {{random_hash}}, modified_time = created_time;
CREATE UNIQUE INDEX registration_tokens_hash ON registration_tokens (hash);
