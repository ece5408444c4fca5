package clients_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestTheGuideToTokenExchange does what docs/integration/services.md shows for the
// user who has called, and to act as one.
func TestTheGuideToTokenExchange(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{
		"GATEHOUSE_OAUTH_SCOPES=orders.read,billing.read", "GATEHOUSE_UNUSUAL_LOGIN=off",
	}})
	owner, login := s.Register(t, "olli@example.org")
	g := openGuide(t, s, "services.md")

	t.Run("for the user who has called", func(t *testing.T) {
		t.Parallel()
		const orders = "https://orders.example.org"
		web := system.NewApp(t, s, "--first-party", "--scope", "openid,billing.read,orders.read", "--resource", orders)
		token := tokenOf(t, web, owner, []string{"openid", "billing.read", "orders.read"}, oauth2.SetAuthURLParam("resource", orders))
		register, exchange, ok := strings.Cut(g.Block("sh", "gatehouse client create --id orders-api "), "\ncurl ")
		require.True(t, ok)
		settings := []string{"issuer=" + s.URL, "client_secret=" + g.Create(register), "token=" + token}
		got := tokenIn(t, run(t, shell(t, "", append(settings, "curl "+exchange)...)))
		known := run(t, shell(t, "", append(settings, `curl -sS $issuer/oauth2/introspect -u "orders-api:$client_secret" -d token=`+got)...))
		for _, says := range []string{
			`"active":true`, `"sub":"` + owner.Hash + `"`, `"scope":"billing.read"`, `"act":{"sub":"orders-api"}`, "https://billing.example.org",
		} {
			assert.Contains(t, known, says)
		}
	})
	t.Run("act as a user", func(t *testing.T) {
		t.Parallel()
		member := s.Invited(t, login.Token, "uli@example.org")
		backend := system.NewApp(t, s, "--first-party", "--id", "backend", "--scope", "openid,hub",
			"--grant", "authorization_code", "--grant", "urn:ietf:params:oauth:grant-type:token-exchange", "--set", "impersonation=true")
		token := tokenOf(t, backend, owner, []string{"openid", "hub"})
		out := run(t, shell(t, "", "issuer="+s.URL, "token="+token, "user_hash="+member.Hash,
			`curl -sS $issuer/oauth2/token -u "backend:`+backend.Secret+`" -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
`+g.Block("sh", "  -d subject_token=$user_hash ")))
		known := run(t, shell(t, "", "issuer="+s.URL, `curl -sS $issuer/oauth2/introspect -u "backend:`+backend.Secret+`" -d token=`+tokenIn(t, out)))
		assert.Contains(t, known, `"sub":"`+member.Hash+`"`)
		assert.Contains(t, known, `"act":{"sub":"`+owner.Hash+`"`)
	})
}

// TestTheGuideToCertificates has a job show one.
func TestTheGuideToCertificates(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), system.FreePort(t)
	files := testkit.CA(t).Issue("")
	options := system.StandaloneOptions{URL: fmt.Sprintf("http://localhost:%d", port), Environ: []string{
		"GATEHOUSE_OAUTH_SCOPES=orders.read", "GATEHOUSE_OAUTH_CLIENT_CA=" + filepath.Join(dir, "ca.pem"),
		fmt.Sprintf("GATEHOUSE_PUBLIC_URL=https://localhost:%d", port), "GATEHOUSE_TLS_CERT=" + files.Cert, "GATEHOUSE_TLS_KEY=" + files.Key,
	}}
	run(t, shell(t, dir, openGuide(t, &system.System{}, "services.md").Block("sh", "openssl req -x509 ")))
	s := system.StandaloneWith(t, options)
	g := openGuide(t, s, "services.md")
	assert.Empty(t, g.Register("certified-job"))
	ask := strings.ReplaceAll(g.Block("sh", "curl -sS https://id.example.org/oauth2/token --cert "), "id.example.org", fmt.Sprintf("localhost:%d", port))
	trust := "export CURL_CA_BUNDLE=" + files.CA
	assert.Contains(t, run(t, shell(t, dir, trust, ask)), `"scope":"orders.read"`)
	assert.Contains(t, run(t, shell(t, dir, trust, strings.Replace(ask, "--cert job.pem --key job.key", "", 1))), "invalid_client")
	assert.Contains(t, run(t, shell(t, dir, trust, strings.Replace(ask, "--cert job.pem --key job.key", "--cert ca.pem --key ca.key", 1))), "invalid_client")
}

// tokenOf signs a person in to an app, and gives the app's access token.
func tokenOf(t *testing.T, app *system.App, p system.Person, scopes []string, options ...oauth2.AuthCodeOption) string {
	t.Helper()
	app.Config.Scopes = scopes
	request := app.Start(options...)
	b := system.NewBrowser(t, system.AppOrigin)
	visit(t, b, p, request.URL)
	token, _ := app.Finish(request, b.Arrived)
	return token.AccessToken
}

// tokenIn is the access token in an answer.
func tokenIn(t *testing.T, answer string) string {
	t.Helper()
	_, rest, ok := strings.Cut(answer, `"access_token":"`)
	require.True(t, ok, "%s", answer)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

// run gives what commands print.
func run(t *testing.T, commands *exec.Cmd) string {
	t.Helper()
	out, err := commands.Output()
	require.NoError(t, err, "%s", out)
	return string(out)
}
