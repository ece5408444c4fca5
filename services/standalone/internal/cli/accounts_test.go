package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

func TestNobodyIsDisabledWhoWasNeverThere(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var invited struct{ User, URL string }
	o.result(&invited, "user", "invite", "ada@example.org")
	for _, command := range []string{"disable", "enable"} {
		for user, words := range map[string]string{
			"ada@example.org": "has never been active", invited.User: "has never been active", "eve@example.org": "there is no user",
		} {
			code, _, stderr := o.run("user", command, user)
			assert.Equal(t, 1, code, user)
			assert.Contains(t, stderr, words)
		}
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	unknown := "1daa7da5ba074972eb3d4552414928f5201541f3"
	for _, change := range [][]string{
		{"--type", "trial"}, {"--expires", "never"}, {"--expires", "2026-12-31T23:59:59Z"}, {"--feature", "audit=true"}, {"--trash", "0"},
	} {
		code, _, stderr := o.run(append([]string{"hub", "set-plan", unknown}, change...)...)
		assert.Equal(t, 1, code, change)
		assert.Contains(t, stderr, "there is no hub "+unknown)
	}
	code, _, stderr := o.run("hub", "set-plan", unknown, "--feature", "wings=true")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "audit", "it says which there are")
}

func TestDeadWork(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	for _, service := range []string{"accounts", "sessions", "oauth"} {
		var work []any
		o.result(&work, service, "dead")
		require.NotNil(t, work)
		assert.Empty(t, work)
		code, _, stderr := o.run(service, "retry", "7")
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, "there is no dead work 7")
	}
}

// accounts is the database of an operator's storage.
func (o operator) accounts() *db.DB {
	o.t.Helper()
	dir := strings.TrimPrefix(o.environ[0], "GATEHOUSE_DATA_DIR=")
	d, err := db.Open(o.t.Context(), "sqlite:"+filepath.Join(dir, "accounts.db"), db.Options{Service: "accounts"})
	require.NoError(o.t, err)
	o.t.Cleanup(func() { assert.NoError(o.t, d.Close()) })
	return d
}

func TestUsersAndHubsAreChanged(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var invited struct{ User, URL string }
	o.result(&invited, "user", "invite", "ada@example.org")
	d := o.accounts()
	hash := "1daa7da5ba074972eb3d4552414928f5201541f3"
	for _, query := range []string{
		`UPDATE users SET status = 1`,
		`INSERT INTO hubs (hash, name, created_time, modified_time) VALUES ('` + hash + `', 'Nordantech', 1, 1)`,
	} {
		_, err := d.Exec(t.Context(), query)
		require.NoError(t, err)
	}
	for _, tt := range []struct {
		args  []string
		says  string
		query string
		want  int64
	}{
		{[]string{"user", "disable", "ada@example.org"}, "ada@example.org is disabled.", `SELECT status FROM users`, 0},
		{[]string{"user", "enable", invited.User}, invited.User + " is enabled.", `SELECT status FROM users`, 1},
		{[]string{"hub", "set-plan", hash, "--type", "trial"}, "Changed the plan of Nordantech.", `SELECT type FROM hubs`, 1},
		{[]string{"hub", "set-plan", hash, "--trash", "3"}, "Nordantech", `SELECT feature_trash FROM hubs`, 3},
		{[]string{"hub", "set-plan", hash, "--feature", "audit=true"}, "Nordantech", `SELECT COUNT(*) FROM hubs WHERE feature_audit`, 1},
		{[]string{"hub", "set-plan", hash, "--expires", "2026-12-31T23:59:59Z"}, "", `SELECT expiration_time / 1000000 FROM hubs`, 1798761599},
		{[]string{"hub", "set-plan", hash, "--expires", "never"}, "", `SELECT COUNT(*) FROM hubs WHERE expiration_time IS NULL`, 1},
	} {
		code, stdout, stderr := o.run(tt.args...)
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, tt.says)
		var got int64
		require.NoError(t, d.QueryRow(t.Context(), tt.query).Scan(&got))
		require.Equal(t, tt.want, got, "%v", tt.args)
	}
}
