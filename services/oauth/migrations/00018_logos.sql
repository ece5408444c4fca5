-- +goose Up

-- What could be had of the logos of clients, drawn anew; without data there was no
-- picture at the address when it was last tried.
CREATE TABLE client_logos (
    client_id TEXT PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    uri TEXT NOT NULL,
    mime TEXT NOT NULL DEFAULT '',
    data BYTEA,
    tried_time BIGINT NOT NULL
);
