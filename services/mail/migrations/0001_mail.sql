-- +goose Up

-- The keys of all mails ever accepted: one key is one mail. Only a digest is
-- kept, as keys stay for ever.
CREATE TABLE mail_keys (
    digest BYTEA PRIMARY KEY,
    created_time BIGINT NOT NULL
);

-- The development mailbox. content is sealed: it holds links.
CREATE TABLE mailbox (
    id {{identity}},
    mail_key TEXT NOT NULL UNIQUE,
    content BYTEA NOT NULL,
    sent_time BIGINT NOT NULL
);
