package cli_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/accounts"
	"github.com/gatehouse-id/gatehouse/services/mail"
	"github.com/gatehouse-id/gatehouse/services/oauth"
	"github.com/gatehouse-id/gatehouse/services/sessions"
	"github.com/gatehouse-id/gatehouse/services/standalone/internal/cli"
)

var migrations = map[string]fs.FS{
	"accounts": accounts.Migrations, "sessions": sessions.Migrations, "oauth": oauth.Migrations, "mail": mail.Migrations,
}

// migrated is a database in which the services' own `migrate` has been.
func migrated(t *testing.T, services ...string) (url string) {
	t.Helper()
	url = testkit.DatabaseURL(t, db.Postgres)
	for _, service := range services {
		d, err := db.Open(t.Context(), url, db.Options{Service: service, Migrations: migrations[service]})
		require.NoError(t, err)
		require.NoError(t, d.Migrate(t.Context()))
		require.NoError(t, d.Close())
	}
	return url
}

// look opens a service's part of a database, as it is.
func look(t *testing.T, url, service string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{Service: service, Existing: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

func number(t *testing.T, d *db.DB, query string) (n int) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// commands are such that would make something that no service knows of.
var commands = []string{
	"mail dead", "keys rotate", "keys list", "keys reseal", "client create --name A --redirect-uri https://a.example/cb",
	"user invite ada@example.org", "demo register",
}

func TestCommandsMakeNoDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there []string
		says  string
	}{
		"an empty database":            {nil, `there is no schema "mail"`},
		"the database of one service":  {[]string{"mail"}, `there is no schema "sessions"`},
		"the database of another one":  {[]string{"accounts"}, `there is no schema "mail"`},
		"the last migrations are due":  {[]string{"mail", "sessions", "accounts", "-oauth"}, "the oauth database lacks"},
		"all but one have been before": {[]string{"mail", "sessions", "accounts"}, `there is no schema "oauth"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := testkit.DatabaseURL(t, db.Postgres)
			if len(c.there) > 0 {
				last, lacks := strings.CutPrefix(c.there[len(c.there)-1], "-")
				c.there[len(c.there)-1] = last
				url = migrated(t, c.there...)
				if lacks {
					_, err := look(t, url, last).Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
					require.NoError(t, err)
				}
			}
			o := newOperator(t)
			o.environ = append(o.environ, "GATEHOUSE_DATABASE_URL="+url)
			for _, command := range commands {
				code, _, stderr := o.run(strings.Fields(command)...)
				assert.Equal(t, 1, code, command)
				assert.Contains(t, stderr, c.says, command)
				assert.Contains(t, stderr, " migrate` of this version first", command)
				assert.Contains(t, stderr, "whether GATEHOUSE_DATABASE_URL names the database of", command)
			}
			d, err := db.Open(t.Context(), url, db.Options{Service: "look"})
			require.NoError(t, err)
			defer func() { assert.NoError(t, d.Close()) }()
			assert.Equal(t, len(c.there), number(t, d, "SELECT COUNT(*) FROM pg_namespace WHERE nspname IN ('accounts', 'sessions', 'oauth', 'mail')"))
		})
	}
}

// TestCommandsBeforeTheServices is the time between the services' `migrate` and
// their first start, which is theirs to make keys at.
func TestCommandsBeforeTheServices(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	url := migrated(t, "accounts", "sessions", "oauth", "mail")
	o.environ = append(o.environ, "GATEHOUSE_DATABASE_URL="+url)
	o.result(&struct{}{}, "demo", "register")
	o.result(&struct{}{}, "user", "invite", "ada@example.org")
	var list struct {
		Keys []any `json:"signing_keys"`
	}
	o.result(&list, "keys", "list")
	assert.Empty(t, list.Keys)
	code, _, stderr := o.run("keys", "rotate")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "the service makes them when it starts for the first time")
	assert.Zero(t, number(t, look(t, url, "sessions"), "SELECT COUNT(*) FROM signing_keys"))
	assert.Zero(t, number(t, look(t, url, "oauth"), "SELECT COUNT(*) FROM signing_keys"))
	assert.Zero(t, number(t, look(t, url, "oauth"), "SELECT COUNT(*) FROM pairwise_salt"))
}

// TestCommandsOfTheVersionBefore may be used while an upgrade is on its way.
func TestCommandsOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	url := migrated(t, "accounts", "sessions", "oauth", "mail")
	o.environ = append(o.environ, "GATEHOUSE_DATABASE_URL="+url)
	_, err := look(t, url, "mail").Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)")
	require.NoError(t, err)
	code, _, stderr := o.run("mail", "dead")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stderr, "of a newer version")
}

func TestADatabaseForEachService(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	urls := map[string]string{}
	for _, service := range []string{"accounts", "sessions", "oauth"} {
		urls[service] = testkit.DatabaseURL(t, db.Postgres)
		o.environ = append(o.environ, "GATEHOUSE_"+strings.ToUpper(service)+"_DATABASE_URL="+urls[service])
	}
	code, _, stderr := o.run("migrate")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "GATEHOUSE_MAIL_DATABASE_URL is not set, and neither is GATEHOUSE_DATABASE_URL")
	urls["mail"] = testkit.DatabaseURL(t, db.Postgres)
	o.environ = append(o.environ, "GATEHOUSE_DATABASE_URL="+urls["mail"]) // for what has none of its own

	code, _, stderr = o.run("user", "invite", "ada@example.org")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, `there is no schema "mail"`)
	code, _, stderr = o.run("migrate")
	require.Zero(t, code, stderr)
	o.result(&struct{}{}, "user", "invite", "ada@example.org")
	assert.Equal(t, 1, number(t, look(t, urls["accounts"], "accounts"), "SELECT COUNT(*) FROM users"))
	for service, url := range urls {
		assert.Equal(t, 1, number(t, look(t, url, service), "SELECT COUNT(*) FROM pg_namespace WHERE nspname IN ('accounts', 'sessions', 'oauth', 'mail')"), service)
	}
	for name, problem := range map[string]string{
		"GATEHOUSE_OAUTH_DATABASE_URL=mysql://root:hunter2@db/x": "GATEHOUSE_OAUTH_DATABASE_URL: must begin with postgres://",
		"GATEHOUSE_OAUTH_DATABASE_URL=postgres://127.0.0.1:1/x":  "opening the oauth database",
	} {
		p := operator{t: t, environ: append(o.environ[:len(o.environ):len(o.environ)], name)}
		_, _, stderr := p.run("mail", "dead")
		assert.Contains(t, stderr, problem)
		assert.NotContains(t, stderr, "hunter2")
	}
	code, _, stderr = o.run("backup", t.TempDir()+"/b")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "pg_dump")
}

// TestDoctorBesideACluster has the settings of a command line: nothing listens where
// it runs, and the public URL leads elsewhere from there.
func TestDoctorBesideACluster(t *testing.T) {
	t.Parallel()
	url := testkit.DatabaseURL(t, db.Postgres)
	environ := []string{
		"GATEHOUSE_PUBLIC_URL=http://localhost:1", "GATEHOUSE_DEV_MAILBOX=true", "GATEHOUSE_ROOT_KEY=" + rootKey("1"), "GATEHOUSE_MAIL_DATABASE_URL=" + url,
	}
	diagnose := func() (code int, found map[string]doctor.Result) {
		var out, fail strings.Builder
		code = cli.Run(t.Context(), []string{"doctor", "--output", "json"}, environ, &out, &fail)
		var results []doctor.Result
		require.NoError(t, json.Unmarshal([]byte(out.String()), &results), out.String()+fail.String())
		found = map[string]doctor.Result{}
		for _, r := range results {
			found[r.Check] = r
		}
		return code, found
	}
	environ = append(environ, "GATEHOUSE_DATABASE_URL="+migrated(t, "accounts", "sessions", "oauth"))
	for range 2 {
		code, found := diagnose()
		assert.Equal(t, 1, code)
		assert.Equal(t, doctor.OK, found["database accounts"].Status, found)
		assert.Equal(t, doctor.Failure, found["database mail"].Status, found)
		assert.Contains(t, found["database mail"].Detail, `there is no schema "mail"`)
		assert.Contains(t, found["database mail"].Advice, "GATEHOUSE_MAIL_DATABASE_URL")
	}
	d, err := db.Open(t.Context(), url, db.Options{Service: "mail", Migrations: mail.Migrations})
	require.NoError(t, err)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, d.Close())
	code, found := diagnose()
	assert.Zero(t, code, found)
	assert.Equal(t, doctor.Warning, found["settings"].Status)
	assert.Contains(t, found["settings"].Detail, "nobody speaks TLS")
	assert.Equal(t, doctor.Warning, found["public URL"].Status)
	assert.Contains(t, found["public URL"].Advice, "try it with a browser")
}
