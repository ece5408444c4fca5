-- What $people people leave behind who are in hubs of ten, have logged in lately and
-- let one app in: rows as the services write them, so that their sizes are real ones.
-- All have the password of the user $user, are in no hub that is anybody's, and are
-- numbered above everybody who is there.

SET session_replication_role = replica; -- no look at what is referred to, row by row, which is known to be there

CREATE TEMP TABLE people AS
SELECT n, 1000000 + n AS id, 1000000 + n / 10 AS hub, EXTRACT(EPOCH FROM now())::bigint * 1000000 AS now,
    encode(sha256(convert_to('user' || n, 'UTF8'))::bytea, 'hex')::varchar(40) AS hash,
    encode(sha256(convert_to('session' || n, 'UTF8'))::bytea, 'hex')::varchar(40) AS session
FROM generate_series(1, $people) AS n;

INSERT INTO accounts.hubs OVERRIDING SYSTEM VALUE
SELECT (jsonb_populate_record(h, jsonb_build_object('id', p.hub, 'hash', p.session, 'name', 'Hub ' || p.hub))).*
FROM accounts.hubs AS h, (SELECT DISTINCT ON (hub) * FROM people) AS p WHERE h.id = (SELECT MIN(id) FROM accounts.hubs);

INSERT INTO accounts.users OVERRIDING SYSTEM VALUE
SELECT (jsonb_populate_record(u, jsonb_build_object('id', p.id, 'hash', p.hash, 'last_hub_id', p.hub,
    'email', 'Person' || p.n || '@example.org', 'email_key', 'person' || p.n || '@example.org'))).*
FROM accounts.users AS u, people AS p WHERE u.id = $user;

INSERT INTO accounts.credentials
SELECT p.id, c.hash, c.created_time, c.modified_time FROM accounts.credentials AS c, people AS p WHERE c.user_id = $user;

INSERT INTO accounts.memberships
SELECT (jsonb_populate_record(m, jsonb_build_object('user_id', p.id, 'hub_id', p.hub, 'hash', p.hash, 'number', p.n % 10 + 1))).*
FROM accounts.memberships AS m, people AS p WHERE m.user_id = $user;

INSERT INTO accounts.known_places (user_id, kind, value, seen_time)
SELECT p.id, k.kind, k.value, k.seen_time FROM accounts.known_places AS k, people AS p WHERE k.user_id = $user;

INSERT INTO accounts.audit (kind, user_id, hub_id, actor, actor_id, address, user_agent, detail, created_time)
SELECT a.kind, p.id, p.hub, a.actor, a.actor_id, a.address, a.user_agent, a.detail, a.created_time
FROM accounts.audit AS a, people AS p WHERE a.user_id = $user;

INSERT INTO sessions.sessions OVERRIDING SYSTEM VALUE
SELECT (jsonb_populate_record(s, jsonb_build_object('id', p.id, 'hash', p.session, 'user_id', p.id, 'user_hash', p.hash, 'hub_id', p.hub))).*
FROM sessions.sessions AS s, people AS p
WHERE s.id = (SELECT MIN(id) FROM sessions.sessions WHERE user_id = $user AND hub_id IS NOT NULL);
INSERT INTO sessions.session_uses SELECT id, now FROM people;
INSERT INTO sessions.session_users SELECT id, 0, now FROM people;

INSERT INTO oauth.grants
SELECT (jsonb_populate_record(g, jsonb_build_object('subject', p.hash, 'session', p.session,
    'id', '\x' || md5('grant' || p.n), 'code_hash', '\x' || encode(sha256(convert_to('code' || p.n, 'UTF8')), 'hex')))).*
FROM oauth.grants AS g, people AS p;
INSERT INTO oauth.consents
SELECT p.hash, c.client_id, c.scope, c.granted_time, c.meaning FROM oauth.consents AS c, people AS p;
INSERT INTO oauth.consented_clients (hash, subject, client_id, created_time, modified_time)
SELECT p.session, p.hash, c.client_id, c.created_time, c.modified_time FROM oauth.consented_clients AS c, people AS p;
INSERT INTO oauth.login_sessions SELECT p.session, NULL, s.expiration_time FROM oauth.login_sessions AS s, people AS p;

INSERT INTO mail.mail_keys SELECT sha256(convert_to('mail' || n, 'UTF8')), now FROM people;

ANALYZE;
