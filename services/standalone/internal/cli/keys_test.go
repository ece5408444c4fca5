package cli_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	type key struct {
		Service string
		api.SigningKey
	}
	var list struct {
		Keys  []key    `json:"signing_keys"`
		Roots []string `json:"root_keys"`
		Uses  []struct {
			Service, Table string
			Position       int
		} `json:"sealed"`
	}
	o.result(&list, "keys", "list")
	require.Len(t, list.Keys, 4, "three of oauth, one of sessions")
	require.Len(t, list.Roots, 1)
	require.NotEmpty(t, list.Uses)

	var rotated []key
	o.result(&rotated, "keys", "rotate", "--service", "oauth", "--algorithm", "RS256", "--now")
	require.Len(t, rotated, 4)
	code, stdout, stderr := o.run("keys", "revoke", list.Keys[0].ID)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "Revoked "+list.Keys[0].ID+" of oauth")
	for _, k := range list.Keys {
		if k.Service == "sessions" {
			var revoked map[string]string
			o.result(&revoked, "keys", "revoke", k.ID)
			assert.Equal(t, map[string]string{"revoked": k.ID, "service": "sessions"}, revoked)
		}
	}
	_, table, _ := o.run("keys", "list")
	assert.NotContains(t, table, list.Keys[0].ID)
	assert.Contains(t, table, "signing")
	assert.NotContains(t, table, "PRIVATE")

	code, _, stderr = o.run("keys", "revoke", "made-up")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "there is no signing key made-up: `gatehouse keys list` shows them")
	for _, args := range [][]string{
		{"revoke"}, {"rotate", "--service", "mail"}, {"rotate", "--algorithm", "RS256"}, {"sing"}, {"list", "all"},
	} {
		code, _, stderr = o.run(append([]string{"keys"}, args...)...)
		assert.Equal(t, 2, code, args)
		assert.NotEmpty(t, stderr)
	}
	code, _, stderr = o.run("keys", "rotate", "--service", "oauth", "--algorithm", "HS1")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "algorithm")
}

func TestRootKeysRotate(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	one, two := rootKey("1"), rootKey("2")
	base := o.environ
	with := func(roots string) { o.environ = slices.Concat(base, []string{"GATEHOUSE_ROOT_KEY=" + roots}) }
	type use struct {
		Service, Table string
		Position       int
		Values         int64
	}
	with(one)
	var invited struct{ User string }
	o.result(&invited, "user", "invite", "ada@example.org", "--mail")
	with(two + "," + one)
	var resealed struct {
		Resealed int64
		Older    []use
	}
	o.result(&resealed, "keys", "reseal")
	require.NotEmpty(t, resealed.Older, "the mail that waits")
	with(two)
	code, _, stderr := o.run("keys", "list")
	assert.Equal(t, 1, code, "signing keys follow where a service runs")
	assert.Contains(t, stderr, "add that root after the new one")
	assert.NotContains(t, stderr, two)
}

func rootKey(digit string) string {
	return base64.StdEncoding.EncodeToString([]byte("x" + strings.Repeat(digit, 31)))
}
