-- +goose Up

-- How the client came to be: '' by the operator or in its hub, 'token' by itself
-- with an initial access token, 'open' by itself without (RFC 7591).
ALTER TABLE clients ADD COLUMN registration TEXT NOT NULL DEFAULT '';
CREATE INDEX clients_registration ON clients (registration, created_time) WHERE registration <> '';
CREATE INDEX registration_tokens_hub ON registration_tokens (hub) WHERE hub IS NOT NULL;
CREATE INDEX registration_tokens_expiration ON registration_tokens (expiration_time) WHERE expiration_time IS NOT NULL;
