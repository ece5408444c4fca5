package cli_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/doctor"
)

// diagnose runs the doctor; the statuses are by check, the worst of each.
func (o operator) diagnose() (code int, statuses map[string]doctor.Status, text string) {
	o.t.Helper()
	code, stdout, stderr := o.run("doctor", "--output", "json")
	var results []doctor.Result
	require.NoError(o.t, json.Unmarshal([]byte(stdout), &results), stdout+stderr)
	statuses = map[string]doctor.Status{}
	for _, r := range results {
		statuses[r.Check] = doctor.Worst([]doctor.Result{{Status: statuses[r.Check]}, r})
	}
	return code, statuses, stdout
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	issuer := ""
	public := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + issuer + `"}`))
	}))
	defer public.Close()
	_, port, err := net.SplitHostPort(public.Listener.Addr().String())
	require.NoError(t, err)
	issuer = "http://localhost:" + port
	o.environ = append(o.environ, "GATEHOUSE_PUBLIC_URL="+issuer)

	code, statuses, _ := o.diagnose()
	assert.Equal(t, 1, code, "nothing is there yet")
	for _, check := range []string{"root key", "database accounts", "database sessions", "database oauth", "database mail"} {
		assert.Equal(t, doctor.Failure, statuses[check], check)
	}
	dir := strings.TrimPrefix(o.environ[0], "GATEHOUSE_DATA_DIR=")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "it changes nothing")

	code, _, stderr := o.run("migrate")
	require.Zero(t, code, stderr)
	code, statuses, text := o.diagnose()
	assert.Zero(t, code, text)
	assert.Equal(t, doctor.OK, statuses["database oauth"], text)
	assert.Equal(t, doctor.Warning, statuses["mail server"], "the development mailbox")

	o.environ = append(o.environ, "GATEHOUSE_ROOT_KEY="+rootKey("7"), "GATEHOUSE_SMTP_HOST=127.0.0.1", "GATEHOUSE_SMTP_PORT=1",
		"GATEHOUSE_SMTP_FROM=a@example.org", "GATEHOUSE_SMTP_USERNAME=u", "GATEHOUSE_SMTP_PASSWORD=hunter2")
	issuer = "https://other.example"
	code, statuses, text = o.diagnose()
	assert.Equal(t, 1, code)
	for _, check := range []string{"mail server", "database oauth", "public URL"} {
		assert.Equal(t, doctor.Failure, statuses[check], text)
	}
	assert.Contains(t, text, "sealed under a root key that is missing")
	assert.NotContains(t, text, "hunter2")
	assert.NotContains(t, text, rootKey("7"))
}

func TestBackup(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	to := filepath.Join(t.TempDir(), "backup")
	code, _, stderr := o.run("backup", to)
	assert.Equal(t, 1, code, "there is nothing yet")
	assert.Contains(t, stderr, "backing up accounts")
	assert.NoDirExists(t, to)

	o.result(&struct{}{}, "user", "invite", "ada@example.org")
	var list struct {
		Keys []struct{ ID string } `json:"signing_keys"`
	}
	o.result(&list, "keys", "list")
	code, stdout, stderr := o.run("backup", to)
	require.Zero(t, code, stderr)
	assert.Equal(t, 4, strings.Count(stdout, ".db"))
	code, _, _ = o.run("backup", to)
	assert.Equal(t, 1, code, "never into an older one")

	// Elsewhere, with the root key from elsewhere.
	key, err := os.ReadFile(filepath.Join(strings.TrimPrefix(o.environ[0], "GATEHOUSE_DATA_DIR="), "root.key"))
	require.NoError(t, err)
	restored := operator{t: t, environ: []string{"GATEHOUSE_DATA_DIR=" + to, "GATEHOUSE_ROOT_KEY=" + strings.TrimSpace(string(key))}}
	kids := list.Keys
	restored.result(&list, "keys", "list")
	assert.Equal(t, kids, list.Keys, "nothing was minted again")
	code, _, stderr = restored.run("user", "invite", "ada@example.org")
	assert.Zero(t, code, stderr)

	o.environ = append(o.environ, "GATEHOUSE_DATABASE_URL=postgres://u:hunter2@localhost/x")
	code, _, stderr = o.run("backup", to+"2")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "pg_dump")
}
