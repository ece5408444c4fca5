package flow_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestEmbeddedDatabasesAreRestored backs up a running Gatehouse by the commands of
// docs/operations.md, and goes on in another place with what they copied.
func TestEmbeddedDatabasesAreRestored(t *testing.T) {
	t.Parallel()
	key := "GATEHOUSE_ROOT_KEY=" + system.NewRootKey()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections, and says nothing
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	_, port, err := net.SplitHostPort(silent.Addr().String())
	require.NoError(t, err)

	s, start := system.StandaloneProcess(t, system.StandaloneOptions{Environ: []string{key}})
	before := start()
	had := collect(t, s)
	before.Stop()
	mute, start := system.StandaloneProcess(t, system.StandaloneOptions{URL: s.URL, DataDir: s.DataDir, Environ: []string{
		key, "GATEHOUSE_SMTP_HOST=127.0.0.1", "GATEHOUSE_SMTP_TLS=none", "GATEHOUSE_SMTP_FROM=gatehouse@example.org", "GATEHOUSE_SMTP_PORT=" + port,
	}})
	running := start()
	had.leavesAMailWaiting(t, mute)

	folder := t.TempDir()
	documented(t, "gatehouse backup ", folder, "GATEHOUSE_DATA_DIR="+s.DataDir, key)
	running.Stop()

	elsewhere := t.TempDir()
	documented(t, "cp ", folder, "GATEHOUSE_DATA_DIR="+elsewhere)
	restored, start := system.StandaloneProcess(t, system.StandaloneOptions{URL: s.URL, DataDir: elsewhere, Environ: []string{key}})
	start()
	restored.Operate(t, "doctor")
	had.isAllThere(t, restored)
}

// TestPostgresIsRestored does the same with a cluster, into a database on another
// server.
func TestPostgresIsRestored(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pg_dump"); err != nil {
		testkit.NotRun(t, "backing up PostgreSQL needs pg_dump: "+err.Error())
	}
	one := system.ClusterOptions{DatabaseURL: testkit.DatabaseURL(t, "postgres"), RootKey: system.NewRootKey()}
	s := system.ClusterWith(t, one)
	had := collect(t, s)
	s.Kill("mail")
	had.leavesAMailWaiting(t, s)

	folder := t.TempDir()
	documented(t, "pg_dump ", folder, "GATEHOUSE_DATABASE_URL="+one.DatabaseURL)
	s.StopAll()

	server := testkit.StartPostgresServer(t, testkit.PostgresServerOptions{})
	server.Exec(t, "postgres", "CREATE DATABASE restored")
	other := system.ClusterOptions{DatabaseURL: server.URL("restored"), RootKey: one.RootKey, URL: s.URL}
	documented(t, "pg_restore ", folder, "GATEHOUSE_DATABASE_URL="+other.DatabaseURL)
	had.isAllThere(t, system.ClusterWith(t, other))
}

// TestComposeIsRestored does so with the database of docker-compose.yml, made by its
// own script: a schema and a role for each service. The fresh volume is another server.
func TestComposeIsRestored(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pg_dump"); err != nil {
		testkit.NotRun(t, "backing up PostgreSQL needs pg_dump: "+err.Error())
	}
	before, one := composeDatabase(t)
	one.RootKey = system.NewRootKey()
	s := system.ClusterWith(t, one)
	had := collect(t, s)
	s.Kill("mail")
	had.leavesAMailWaiting(t, s)
	rolesAreApart(t, before)
	folder := t.TempDir()
	documented(t, "docker compose exec -T postgres pg_dump ", folder, "PGHOST="+before.Socket())
	s.StopAll()
	before.Stop(t, "immediate")

	after, other := composeDatabase(t)
	documented(t, "docker compose exec -T postgres pg_restore ", folder, "PGHOST="+after.Socket())
	other.RootKey, other.URL = one.RootKey, s.URL
	restored := system.ClusterWith(t, other)
	for _, command := range [][]string{{"keys", "list"}, {"mail", "dead"}} { // the operator's role is in all of them
		restored.Operate(t, command...)
	}
	had.isAllThere(t, restored)
	rolesAreApart(t, after)
}

// composeDatabase is a server as the image of PostgreSQL makes it with the script of
// docker-compose.yml, and a cluster in which each service has its role.
func composeDatabase(t *testing.T) (*testkit.PostgresServer, system.ClusterOptions) {
	t.Helper()
	server := testkit.StartPostgresServer(t, testkit.PostgresServerOptions{})
	server.Exec(t, "postgres", "CREATE ROLE postgres SUPERUSER LOGIN")
	server.Exec(t, "postgres", "CREATE DATABASE gatehouse OWNER postgres")
	as := func(role string) string {
		return "postgres:///gatehouse?" + url.Values{"host": {server.Socket()}, "user": {role}}.Encode()
	}
	cluster := system.ClusterOptions{DatabaseURL: as("operator"), Of: map[string][]string{}}
	passwords := t.TempDir()
	for _, role := range []string{"accounts", "sessions", "mail", "oauth", "operator"} {
		require.NoError(t, os.WriteFile(filepath.Join(passwords, role), []byte("secret-of-"+role), 0o600))
		if role != "operator" {
			cluster.Of[role] = []string{"GATEHOUSE_DATABASE_URL=" + as(role)}
		}
	}
	script, err := os.ReadFile(filepath.Join("..", "..", "deploy", "compose", "postgres-init.sh"))
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), "bash")
	c.Stdin = strings.NewReader(strings.ReplaceAll(string(script), "/secrets/", passwords+"/"))
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "PGHOST=" + server.Socket(), "POSTGRES_USER=postgres", "POSTGRES_DB=gatehouse"}
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return server, cluster
}

// rolesAreApart: each looks into its own schema and into no other.
func rolesAreApart(t *testing.T, server *testkit.PostgresServer) {
	t.Helper()
	roles := []string{"accounts", "sessions", "mail", "oauth"}
	for _, role := range roles {
		for _, schema := range roles {
			err := server.TryExec("gatehouse", "SET ROLE "+role+"; SELECT count(*) FROM "+schema+".goose_db_version; UPDATE "+schema+".goose_db_version SET version_id = version_id")
			if role == schema {
				require.NoError(t, err, role)
			} else {
				require.ErrorContains(t, err, "permission denied for schema "+schema, role)
			}
		}
	}
}

// documented runs the command of the section "Back up and restore" that begins so,
// in the folder of the backup.
func documented(t *testing.T, beginning, folder string, environ ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Back up and restore\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	command := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(beginning) + `.*$`).FindString(section)
	require.NotEmpty(t, command, "docs/operations.md has no such command: %s", beginning)
	command = strings.ReplaceAll(command, "/backup/2026-01-31", filepath.Join(folder, "of-today"))
	command = strings.ReplaceAll(command, "docker compose exec -T postgres ", "") // what is run in the container

	c := exec.CommandContext(t.Context(), "sh", "-eu", "-c", command)
	c.Dir = folder
	c.Env = append(slices.Clone(environ), "PATH="+filepath.Dir(system.Binary(t, "gatehouse"))+string(os.PathListSeparator)+os.Getenv("PATH"),
		"GATEHOUSE_PUBLIC_URL=https://id.example.org", "GATEHOUSE_DEV_MAILBOX=true")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s: %s", command, out)
}

// belongings are what somebody has at a Gatehouse.
type belongings struct {
	person  system.Person
	session system.Authentication
	secret  string // of the authenticator app
	app     *system.App
	token   *oauth2.Token
	nonce   string
	used    time.Time // when a code of the authenticator app was last used
}

// collect makes a person with an authenticator app, who signs in to an app.
func collect(t *testing.T, s *system.System) *belongings {
	t.Helper()
	had := &belongings{app: system.NewApp(t, s)}
	var opened system.Authentication
	had.person, opened = s.Register(t, "olli@example.org")
	b := system.NewBrowser(t, had.app.Config.RedirectURL)
	request := had.app.Start()
	signIn(t, b, request, had.person)
	had.token, _ = had.app.Finish(request, b.Arrived)
	had.nonce = request.Nonce

	var factor struct{ Hash, Secret string }
	s.Call(t, http.MethodPost, "/v1/mfa", opened.Token, map[string]any{"channel": 3}).Into(t, &factor)
	had.secret = factor.Secret
	res := s.Call(t, http.MethodPut, "/v1/mfa/"+factor.Hash, opened.Token, map[string]any{"code": had.code(t)})
	res.Into(t, &had.session)
	if had.session.Token == "" {
		had.session = opened
	}
	return had
}

// code is the next code of the authenticator app: each is good for once, and the
// one after the present one is taken as well.
func (had *belongings) code(t *testing.T) string {
	t.Helper()
	at := time.Now()
	if !had.used.IsZero() {
		at = had.used.Add(30 * time.Second)
	}
	had.used = at
	code, err := totp.GenerateCode(had.secret, at)
	require.NoError(t, err)
	return code
}

// leavesAMailWaiting asks for a new password while no mail can go out.
func (had *belongings) leavesAMailWaiting(t *testing.T, s *system.System) {
	t.Helper()
	res := s.Call(t, http.MethodPost, "/v1/password/reset/initiate", "", map[string]any{"user": had.person.Email})
	require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
	system.Eventually(t, "the mail to wait", func() bool {
		for _, address := range s.Debug {
			if regexp.MustCompile(`(?m)^gatehouse_outbox_pending\{[^}]*\} [1-9]`).MatchString(scrape(t, address)) {
				return true
			}
		}
		return false
	})
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	require.NoError(t, err)
	res, err := system.HTTP().Do(r)
	if err != nil {
		return "" // it has been killed
	}
	defer func() { _ = res.Body.Close() }()
	var text strings.Builder
	require.NoError(t, res.Write(&text))
	return text.String()
}

// isAllThere sees that life goes on as if nothing had happened.
func (had *belongings) isAllThere(t *testing.T, s *system.System) {
	t.Helper()
	var current system.Authentication
	s.Call(t, http.MethodGet, "/v1/auth", had.session.Token, nil).Into(t, &current)
	assert.Equal(t, had.session.Session.Hash, current.Session.Hash, "the session")

	app := system.AppOf(t, s, had.app.Config.ClientID, had.app.Secret)
	assert.Equal(t, had.person.Hash, app.Verify(had.token, had.nonce).Subject, "the ID token, by the keys that are published now")
	active := postForm(t, s.URL+"/oauth2/introspect", app, url.Values{"token": {had.token.AccessToken}})
	assert.Equal(t, true, active.json["active"], "the access token: %s", active.body)
	info, err := app.Provider.UserInfo(app.Context(), oauth2.StaticTokenSource(had.token))
	require.NoError(t, err)
	assert.Equal(t, had.person.Email, info.Email)
	refreshed, err := app.Config.TokenSource(app.Context(), &oauth2.Token{RefreshToken: had.token.RefreshToken}).Token()
	require.NoError(t, err, "the refresh token")
	assert.Equal(t, had.person.Hash, app.Verify(refreshed, "").Subject)

	var step, in system.Authentication
	s.Call(t, http.MethodPost, "/v1/auth", "", map[string]any{"user": had.person.Email, "password": had.person.Password}).Into(t, &step)
	require.Nil(t, step.Hub, "the password alone is not enough")
	s.Call(t, http.MethodPost, "/v1/auth/code", step.Token, map[string]any{"code": had.code(t)}).Into(t, &in)
	assert.NotNil(t, in.Hub, "the password and the authenticator app")

	resets := func() (n int) {
		for _, m := range s.Mails(t, had.person.Email) {
			if strings.Contains(m.Text, "/reset/") || strings.Contains(m.Text, "/password/") {
				n++
			}
		}
		return n
	}
	system.Eventually(t, "the mail that waited", func() bool { return resets() > 0 })
	assert.Equal(t, 1, resets(), fmt.Sprint(s.Mails(t, had.person.Email)))
}
