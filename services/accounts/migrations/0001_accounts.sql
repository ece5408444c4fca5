-- +goose Up

-- Tenants, with their settings (program_level … session_limit) and what their
-- plan includes (feature_…). The defaults are those of a new hub.
CREATE TABLE hubs (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    type INTEGER NOT NULL DEFAULT 0,
    expiration_time BIGINT,
    program_level BOOLEAN NOT NULL DEFAULT TRUE,
    login_confirmation BOOLEAN NOT NULL DEFAULT FALSE,
    login_confirmation_channel INTEGER NOT NULL DEFAULT 1,
    office_preview BOOLEAN NOT NULL DEFAULT TRUE,
    pdf_preview BOOLEAN NOT NULL DEFAULT TRUE,
    support BOOLEAN NOT NULL DEFAULT TRUE,
    password_age INTEGER NOT NULL DEFAULT 0,
    session_limit INTEGER NOT NULL DEFAULT 3,
    feature_accounting BOOLEAN NOT NULL DEFAULT FALSE,
    feature_attachments BOOLEAN NOT NULL DEFAULT TRUE,
    feature_audit BOOLEAN NOT NULL DEFAULT FALSE,
    feature_effect_freeze BOOLEAN NOT NULL DEFAULT TRUE,
    feature_effect_provenience BOOLEAN NOT NULL DEFAULT TRUE,
    feature_impersonation BOOLEAN NOT NULL DEFAULT TRUE,
    feature_network_filter BOOLEAN NOT NULL DEFAULT FALSE,
    feature_report_preferences BOOLEAN NOT NULL DEFAULT TRUE,
    feature_security_settings BOOLEAN NOT NULL DEFAULT FALSE,
    feature_subscriptions BOOLEAN NOT NULL DEFAULT TRUE,
    feature_trash INTEGER NOT NULL DEFAULT 7,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);

-- email is where mail goes; email_key and alias_key are what logins compare.
CREATE TABLE users (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    first_name TEXT NOT NULL DEFAULT '',
    last_name TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    email_verified BOOLEAN NOT NULL DEFAULT FALSE,
    alias TEXT,
    alias_key TEXT UNIQUE,
    status INTEGER NOT NULL,
    language INTEGER NOT NULL,
    locale INTEGER NOT NULL,
    statefulness BOOLEAN NOT NULL DEFAULT TRUE,
    login_confirmation BOOLEAN NOT NULL DEFAULT FALSE,
    password_type INTEGER NOT NULL DEFAULT 1,
    password_modified_time BIGINT,
    password_update BOOLEAN NOT NULL DEFAULT FALSE,
    registration_time BIGINT,
    terms_accepted_time BIGINT,
    terms_confirmation BOOLEAN NOT NULL DEFAULT FALSE,
    last_hub_id BIGINT REFERENCES hubs (id) ON DELETE SET NULL,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);
CREATE INDEX users_status ON users (status, modified_time);
CREATE INDEX users_last_hub ON users (last_hub_id);

-- Argon2id hashes in the PHC string format. A user without a row here cannot
-- log in by password.
CREATE TABLE credentials (
    user_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);

CREATE TABLE memberships (
    hub_id BIGINT NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role INTEGER NOT NULL,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL,
    PRIMARY KEY (hub_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

-- Mailed links. link_digest is the SHA-256 of the link, which is nowhere else
-- but in the sealed outbox. hash names an opened activation in public. An
-- invitation with a hub joins it with the role and ends with it.
CREATE TABLE activations (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    link_digest BYTEA NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    language INTEGER NOT NULL,
    hub_id BIGINT REFERENCES hubs (id) ON DELETE CASCADE,
    role INTEGER NOT NULL,
    created_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    opened_time BIGINT,
    finished_time BIGINT,
    revoked_time BIGINT
);
CREATE INDEX activations_user ON activations (user_id);
CREATE INDEX activations_hub ON activations (hub_id);
CREATE INDEX activations_expiration ON activations (expiration_time);

-- Who did what from where. No foreign keys: it outlives what it tells of.
-- actor is user, operator or system; actor_id is the user who acted.
CREATE TABLE audit (
    id {{identity}},
    kind TEXT NOT NULL,
    user_id BIGINT,
    hub_id BIGINT,
    actor TEXT NOT NULL,
    actor_id BIGINT,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_time BIGINT NOT NULL
);
-- By kind, so that somebody's many failed logins are no part of counting their
-- mails.
CREATE INDEX audit_user ON audit (user_id, kind, created_time);
CREATE INDEX audit_hub ON audit (hub_id, id);
CREATE INDEX audit_time ON audit (created_time);
