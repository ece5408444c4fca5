-- +goose Up

-- By what users confirm their logins besides the password and their address.
-- channel is 2 for SMS and 3 for an app; sealed is the telephone number or the
-- seed, bound to the hash. last_step is the last time step of which an app's
-- code was used. Of each channel a user has at most one factor that is
-- confirmed, and one that waits for that.
CREATE TABLE factors (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    last_step BIGINT NOT NULL DEFAULT 0,
    confirmed_time BIGINT,
    last_used_time BIGINT,
    created_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);
CREATE UNIQUE INDEX factors_confirmed ON factors (user_id, channel) WHERE confirmed_time IS NOT NULL;
CREATE UNIQUE INDEX factors_waiting ON factors (user_id, channel) WHERE confirmed_time IS NULL;

-- What stands in for a lost factor, each once: MACs.
CREATE TABLE recovery_codes (
    id {{identity}},
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mac BYTEA NOT NULL,
    created_time BIGINT NOT NULL,
    used_time BIGINT
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

-- Questions that only the user can answer. mac is that of the code which was
-- sent; an app needs none. factor_id is the factor that the answer confirms; a
-- challenge without it confirms a login. minimum is the weakest channel that
-- will do. replace tells that the answer stood in for a factor that is lost and
-- has not been replaced yet.
CREATE TABLE challenges (
    id {{identity}},
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    factor_id BIGINT REFERENCES factors (id) ON DELETE CASCADE,
    channel INTEGER NOT NULL,
    minimum INTEGER NOT NULL,
    mac BYTEA,
    attempts INTEGER NOT NULL DEFAULT 0,
    method TEXT NOT NULL DEFAULT '',
    replace_factor BOOLEAN NOT NULL DEFAULT FALSE,
    created_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    confirmed_time BIGINT
);
CREATE INDEX challenges_user ON challenges (user_id);
CREATE INDEX challenges_factor ON challenges (factor_id);
CREATE INDEX challenges_expiration ON challenges (expiration_time);

-- What is limited by how often it has happened to a user of late: codes that
-- were sent, and wrong ones. A guess is counted before it is
-- checked, and forgotten if it was right.
CREATE TABLE tallies (
    id {{identity}},
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    created_time BIGINT NOT NULL
);
CREATE INDEX tallies_user ON tallies (user_id, kind, created_time);
CREATE INDEX tallies_time ON tallies (created_time);

-- Confirmed requests of users who have lost a factor. state is waiting,
-- approved, rejected or cancelled. One with a due_time waits for nobody but to
-- be cancelled until then. mac is that of the code which an approval mails.
CREATE TABLE recoveries (
    id {{identity}},
    hash TEXT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    due_time BIGINT,
    mac BYTEA,
    code_expiration_time BIGINT,
    used_time BIGINT,
    created_time BIGINT NOT NULL,
    confirmed_time BIGINT NOT NULL,
    modified_time BIGINT NOT NULL
);
CREATE INDEX recoveries_user ON recoveries (user_id);
CREATE INDEX recoveries_due ON recoveries (due_time) WHERE state = 'waiting';
CREATE INDEX recoveries_confirmed ON recoveries (confirmed_time);

-- The hubs of which anybody who may can decide.
CREATE TABLE recovery_hubs (
    recovery_id BIGINT NOT NULL REFERENCES recoveries (id) ON DELETE CASCADE,
    hub_id BIGINT NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,
    PRIMARY KEY (recovery_id, hub_id)
);
CREATE INDEX recovery_hubs_hub ON recovery_hubs (hub_id);
