package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"

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

// TestWaiting: it ends when it is told to, and does not begin with settings with which
// no command would work.
func TestWaiting(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		code := make(chan int, 1)
		go func() { code <- cli.Run(ctx, []string{"--dev", "wait"}, o.environ, io.Discard, io.Discard) }()
		synctest.Wait()
		assert.Empty(t, code)
		end()
		assert.Zero(t, <-code)
	})
	o.environ = append(o.environ, "GATEHOUSE_LOGLEVEL=debug")
	refused, _, stderr := o.run("wait")
	assert.Equal(t, 2, refused)
	assert.Contains(t, stderr, "GATEHOUSE_LOGLEVEL")
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
		"no change of a client":  {"client", "update", "x"},
		"no JSON":                {"client", "update", "x", "--set", "client_uri=x"},
		"no name of a value":     {"client", "update", "x", "--set", "=1"},
		"no file":                {"client", "create", "--metadata", "nowhere.json"},
		"unknown metadata":       {"client", "create", "--name", "A", "--set", "colour=1"},
		"mistyped metadata":      {"client", "create", "--name", "A", "--set", "contacts=1"},
		"public with a secret":   {"client", "create", "--public", "--auth-method", "client_secret_basic"},
		"no time of a token":     {"client", "registration-token", "create", "--name", "x", "--expires", "soon"},
		"no number of a token":   {"client", "registration-token", "delete", "x"},
		"no length of time":      {"client", "rotate-secret", "x", "--overlap", "1"},
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
