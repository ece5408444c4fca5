-- +goose Up

-- The keys of all mails accepted in the last two months: one key is one mail.
-- Only a digest is kept.
CREATE TABLE mail_keys (
    digest BYTEA PRIMARY KEY,
    created_time BIGINT NOT NULL
);
CREATE INDEX mail_keys_time ON mail_keys (created_time);

-- The development mailbox. content is sealed: it holds links.
CREATE TABLE mailbox (
    id {{identity}},
    mail_key TEXT NOT NULL UNIQUE,
    content BYTEA NOT NULL,
    sent_time BIGINT NOT NULL
);
