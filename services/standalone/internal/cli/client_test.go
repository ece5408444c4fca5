package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

func TestClients(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var created oauth.CreatedClient
	o.result(&created, "client", "create", "--id", "shop", "--name", "Shop", "--redirect-uri", "https://shop.example.org/callback")
	assert.Equal(t, "shop", created.Client.ID)
	assert.GreaterOrEqual(t, len(created.Secret), 43, "256 bits")

	code, _, stderr := o.run("client", "create", "--id", "shop", "--name", "Shop", "--redirect-uri", "https://shop.example.org/callback")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "there is a client shop already")

	_, list, _ := o.run("client", "list")
	assert.Contains(t, list, "shop")
	assert.NotContains(t, list, created.Secret)
	_, list, _ = o.run("client", "list", "--query", "HOP")
	assert.Contains(t, list, "shop")
	_, list, _ = o.run("client", "list", "--query", "h_p")
	assert.Contains(t, list, "There are no clients.")

	var deleted map[string]string
	o.result(&deleted, "client", "delete", "shop")
	for _, command := range [][]string{{"delete", "shop"}, {"show", "shop"}, {"rotate-secret", "shop"}, {"update", "shop", "--name", "x"}} {
		code, _, stderr = o.run(append([]string{"client"}, command...)...)
		assert.Equal(t, 1, code, command[0])
		assert.Contains(t, stderr, "there is no client shop", command[0])
	}
}

func TestClientsChange(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	file := filepath.Join(t.TempDir(), "client.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"client_name":"File","client_uri":"https://a.example.org","redirect_uris":["https://a.example.org/cb"]}`), 0o600))
	var created oauth.CreatedClient
	o.result(&created, "client", "create", "--id", "app", "--metadata", file, "--set", `tos_uri="https://a.example.org/t"`, "--name", "App")
	assert.Equal(t, "App", created.Client.Name, "a flag counts more than the file")
	assert.Equal(t, "https://a.example.org", created.Client.ClientURI)
	assert.Equal(t, "https://a.example.org/t", created.Client.TermsURI)

	var changed oauth.Client
	o.result(&changed, "client", "update", "app", "--access-token", "jwt", "--set", "default_max_age=60", "--set", "client_uri=null", "--first-party")
	assert.Equal(t, "jwt", changed.AccessTokenFormat)
	assert.EqualValues(t, 60, *changed.DefaultMaxAge)
	assert.Empty(t, changed.ClientURI)
	assert.True(t, changed.FirstParty)
	assert.Equal(t, "App", changed.Name, "the rest stays")
	var shown oauth.Client
	o.result(&shown, "client", "show", "app")
	assert.Equal(t, changed, shown)
	_, text, _ := o.run("client", "show", "app")
	assert.Regexp(t, `(?m)^redirect_uris +https://a\.example\.org/cb$`, text)
	code, _, stderr := o.run("client", "update", "app", "--set", "colour=1", "--scope", "root")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "colour: ")

	var rotated oauth.CreatedClient
	o.result(&rotated, "client", "rotate-secret", "app", "--overlap", "24h")
	assert.NotEqual(t, created.Secret, rotated.Secret)
	assert.NotNil(t, rotated.Client.FormerSecretExpirationTime)
	_, text, _ = o.run("client", "rotate-secret", "app", "--overlap", "1h")
	assert.Contains(t, text, "stays good until")
	code, _, _ = o.run("client", "rotate-secret", "app", "--overlap", "721h")
	assert.Equal(t, 1, code)

	var native oauth.CreatedClient
	o.result(&native, "client", "create", "--name", "Native", "--public", "--redirect-uri", "com.example.app:/cb")
	assert.Empty(t, native.Secret)
	assert.True(t, native.Client.Public())
	code, _, stderr = o.run("client", "rotate-secret", native.Client.ID)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "This client has no secret")
}

func TestRegistrationTokens(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var created oauth.CreatedRegistrationToken
	o.result(&created, "client", "registration-token", "create", "--name", "CI", "--uses", "3", "--expires", "2999-12-31T23:59:59Z", "--resource", "https://api.example.org")
	require.Equal(t, []string{"https://api.example.org"}, created.Resources)
	assert.Equal(t, 3, *created.Uses)
	assert.NotEmpty(t, created.Token)
	_, list, _ := o.run("client", "registration-token", "list")
	assert.Contains(t, list, "CI")
	assert.NotContains(t, list, created.Token)
	var deleted map[string]int64
	o.result(&deleted, "client", "registration-token", "delete", "1")
	code, _, stderr := o.run("client", "registration-token", "delete", "1")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "there is no registration token 1")
	_, list, _ = o.run("client", "registration-token", "list")
	assert.Contains(t, list, "There are no registration tokens.")
	code, _, stderr = o.run("client", "registration-token", "create", "--name", "", "--uses", "0", "--expires", "2001-01-01T00:00:00Z")
	assert.Equal(t, 1, code)
	for _, field := range []string{"name: ", "uses: ", "expiration_time: "} {
		assert.Contains(t, stderr, field)
	}
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
