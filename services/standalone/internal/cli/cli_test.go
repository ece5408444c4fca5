package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/standalone/internal/cli"
)

// operator runs commands on storage of its own.
type operator struct {
	t       *testing.T
	environ []string
}

func newOperator(t *testing.T) operator {
	t.Helper()
	return operator{t: t, environ: []string{"GATEHOUSE_DATA_DIR=" + t.TempDir()}}
}

func (o operator) run(args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, fail strings.Builder
	code = cli.Run(o.t.Context(), append([]string{"--dev"}, args...), o.environ, &out, &fail)
	return code, out.String(), fail.String()
}

// result runs a command that has to succeed and decodes its JSON.
func (o operator) result(v any, args ...string) {
	o.t.Helper()
	code, stdout, stderr := o.run(append([]string{"--output", "json"}, args...)...)
	require.Zero(o.t, code, stderr)
	require.NoError(o.t, json.Unmarshal([]byte(stdout), v), stdout)
}

func TestClients(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var created struct {
		Client struct {
			ID string `json:"client_id"`
		} `json:"client"`
		Secret string `json:"client_secret"`
	}
	o.result(&created, "client", "create", "--id", "shop", "--name", "Shop", "--redirect-uri", "https://shop.example.org/callback")
	assert.Equal(t, "shop", created.Client.ID)
	assert.GreaterOrEqual(t, len(created.Secret), 43, "256 bits")

	code, _, stderr := o.run("client", "create", "--id", "shop", "--name", "Shop", "--redirect-uri", "https://shop.example.org/callback")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "there is a client shop already")

	_, list, _ := o.run("client", "list")
	assert.Contains(t, list, "shop")
	assert.NotContains(t, list, created.Secret)

	var deleted map[string]string
	o.result(&deleted, "client", "delete", "shop")
	code, _, _ = o.run("client", "delete", "shop")
	assert.Equal(t, 1, code, "there is none any more")
}

func TestWrongClientsAreExplained(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	for name, args := range map[string][]string{
		"no name":         {"--redirect-uri", "https://a.example.org/"},
		"plain http":      {"--name", "A", "--redirect-uri", "http://a.example.org/"},
		"a fragment":      {"--name", "A", "--redirect-uri", "https://a.example.org/#x"},
		"unknown grant":   {"--name", "A", "--redirect-uri", "https://a.example.org/", "--grant", "password"},
		"no redirect URI": {"--name", "A"},
	} {
		code, _, stderr := o.run(append([]string{"client", "create"}, args...)...)
		assert.Equal(t, 1, code, name)
		assert.Contains(t, stderr, "\n  ", "%s: the field is named", name)
		assert.NotContains(t, stderr, "validation.", name)
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var invited struct{ User, URL string }
	o.result(&invited, "user", "invite", "ada@example.org")
	assert.Regexp(t, `^http://localhost:8080/link/[0-9a-f]{40}$`, invited.URL)
	code, _, stderr := o.run("user", "invite", "not an address")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "email")
	var letters []any
	o.result(&letters, "mail", "dead")
	assert.Empty(t, letters)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	for name, args := range map[string][]string{
		"unknown command":        {"sing"},
		"unknown client command": {"client", "sing"},
		"unknown user command":   {"user", "list"},
		"a role in no hub":       {"user", "invite", "a@example.org", "--role", "2"},
		"unknown flag":           {"serve", "--loud"},
		"output":                 {"version", "--output", "xml"},
		"too many":               {"client", "list", "all"},
		"too few":                {"client", "delete"},
		"no number":              {"mail", "retry", "first"},
		"no number of work":      {"accounts", "retry", "first"},
		"nobody":                 {"user", "disable"},
		"no change of a plan":    {"hub", "set-plan", "x"},
		"type of a hub":          {"hub", "set-plan", "x", "--type", "free"},
		"end of a hub":           {"hub", "set-plan", "x", "--expires", "tomorrow"},
		"feature of a hub":       {"hub", "set-plan", "x", "--feature", "audit=yes"},
		"language":               {"user", "invite", "a@example.org", "--language", "fr"},
	} {
		code, _, stderr := o.run(args...)
		assert.Equal(t, 2, code, name)
		assert.NotEmpty(t, stderr, name)
	}
}

func TestCheckConfigHidesSecrets(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	o.environ = append(o.environ, "GATEHOUSE_DATABASE_URL=postgres://gatehouse:hunter2@localhost/x")
	code, stdout, stderr := o.run("check-config", "--output", "json")
	require.Zero(t, code, stderr)
	assert.NotContains(t, stdout, "hunter2")
	assert.Contains(t, stdout, "GATEHOUSE_DATABASE_URL")

	var out, fail strings.Builder
	assert.Equal(t, 2, cli.Run(t.Context(), []string{"serve"}, []string{
		"GATEHOUSE_PUBLIC_URL=http://localhost", "GATEHOUSE_DEV_MAILBOX=true", "GATEHOUSE_DATA_DIR=" + t.TempDir(),
	}, &out, &fail))
	assert.Contains(t, fail.String(), "GATEHOUSE_ROOT_KEY")
}

func TestSettingsTableAndVersion(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	_, table, _ := o.run("settings")
	assert.Contains(t, table, "GATEHOUSE_PUBLIC_URL")
	_, version, _ := o.run("version")
	assert.Contains(t, version, "gatehouse ")
}
