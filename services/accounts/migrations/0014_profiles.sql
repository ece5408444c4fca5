-- +goose Up

-- What people say of themselves beyond their names; formatted … country are the
-- address. What is empty is not known.
CREATE TABLE profiles (
    user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    middle_name TEXT NOT NULL DEFAULT '',
    nickname TEXT NOT NULL DEFAULT '',
    profile TEXT NOT NULL DEFAULT '',
    website TEXT NOT NULL DEFAULT '',
    gender TEXT NOT NULL DEFAULT '',
    birthdate TEXT NOT NULL DEFAULT '',
    zoneinfo TEXT NOT NULL DEFAULT '',
    locale TEXT NOT NULL DEFAULT '',
    phone_number TEXT NOT NULL DEFAULT '',
    formatted TEXT NOT NULL DEFAULT '',
    street_address TEXT NOT NULL DEFAULT '',
    locality TEXT NOT NULL DEFAULT '',
    region TEXT NOT NULL DEFAULT '',
    postal_code TEXT NOT NULL DEFAULT '',
    country TEXT NOT NULL DEFAULT '',
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);

-- By which anybody may have a picture who knows it. Each picture gets a new one;
-- those that are there already begin with their hash, which is as hard to guess.
ALTER TABLE images ADD COLUMN public_name TEXT;
UPDATE images SET public_name = hash;
CREATE UNIQUE INDEX images_public_name ON images (public_name);
