package oauth

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// TestThroughTheContract calls the service as the gateway does.
func TestThroughTheContract(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		server := rpc.NewServer(rpc.ServerOptions{Service: oauth.Name, Callers: []string{api.Gateway, api.Operator}, Obs: h.obs})
		oauth.Mount(server, h.service)
		gateway := oauth.NewClient(server.Local(api.Gateway))
		c := h.web(thirdParty)
		a, err := gateway.Authorize(t.Context(), oauth.AuthorizeRequest{Form: form(c)})
		require.NoError(t, err)
		a, err = gateway.Resume(t.Context(), oauth.ResumeRequest{ID: a.Login.ID, Login: h.loginNow()})
		require.NoError(t, err)
		shown, err := gateway.Pending(t.Context(), oauth.PendingRequest{ID: a.Consent.ID})
		require.NoError(t, err)
		assert.Equal(t, c.Client.ID, shown.Client.ID)
		a, err = gateway.Resume(t.Context(), oauth.ResumeRequest{ID: a.Consent.ID, Login: h.loginNow(), Decision: allow})
		require.NoError(t, err)
		assert.NotEmpty(t, redirected(t, a).Get("code"))
		_, err = gateway.Pending(t.Context(), oauth.PendingRequest{ID: shown.ID})
		assert.True(t, fault.Is(err, fault.Gone))
		_, err = gateway.Authorize(canceled(t), oauth.AuthorizeRequest{Form: form(c)})
		assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	})
}

// People are the gateway's business.
func TestCallersHaveTheirOwnMethods(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		server := rpc.NewServer(rpc.ServerOptions{Service: oauth.Name, Callers: []string{api.Gateway, api.Operator}, Obs: h.obs})
		oauth.Mount(server, h.service)
		clients := func(as string) []error {
			s := oauth.NewClient(server.Local(as))
			_, create := s.CreateClient(t.Context(), oauth.CreateClientRequest{ID: "wiki", Metadata: oauth.Metadata{Name: "Wiki", RedirectURIs: []string{callback}}})
			_, list := s.ListClients(t.Context(), oauth.ListClientsRequest{})
			_, remove := s.DeleteClient(t.Context(), oauth.ClientRequest{ID: "wiki"})
			return []error{create, list, remove}
		}
		people := func(as string) []error {
			s := oauth.NewClient(server.Local(as))
			_, authorize := s.Authorize(t.Context(), oauth.AuthorizeRequest{})
			_, resume := s.Resume(t.Context(), oauth.ResumeRequest{ID: "x"})
			_, pending := s.Pending(t.Context(), oauth.PendingRequest{ID: "x"})
			return []error{authorize, resume, pending}
		}
		for _, err := range people(api.Operator) {
			assert.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		}
		for _, err := range append(clients(api.Operator), people(api.Gateway)...) {
			assert.False(t, fault.Is(err, fault.Forbidden), "%v", err)
		}
	})
}

func TestMigrationsHaveTheKeys(t *testing.T) {
	t.Parallel()
	text, err := fs.ReadFile(Migrations, "00001_oauth.sql")
	require.NoError(t, err)
	assert.Contains(t, string(text), keyring.Schema)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	load := func(environ ...string) []string {
		var c Config
		err := config.Load(&c, environ)
		var found *config.Error
		if err == nil {
			assert.Equal(t, 10*time.Second, c.RefreshGrace)
			return nil
		}
		require.ErrorAs(t, err, &found)
		return found.Problems
	}
	for _, origin := range []string{"https://id.example.org", "https://id.example.org:8443", "http://localhost:8080", "http://127.0.0.1:1"} {
		assert.Empty(t, load("GATEHOUSE_PUBLIC_URL="+origin), origin)
	}
	for _, origin := range []string{
		"", "id.example.org", "http://id.example.org", "https://id.example.org/", "https://id.example.org/x", "https://u@id.example.org",
		"https://id.example.org?", "https://", "HTTPS://id.example.org",
	} {
		assert.Len(t, load("GATEHOUSE_PUBLIC_URL="+origin), 1, origin)
	}
	assert.Len(t, load("GATEHOUSE_PUBLIC_URL=https://a.example", "GATEHOUSE_OAUTH_CODE_LIFETIME=11m", "GATEHOUSE_OAUTH_REFRESH_GRACE=2m",
		"GATEHOUSE_OAUTH_ACCESS_TOKEN_LIFETIME=48h", "GATEHOUSE_OAUTH_ID_TOKEN_LIFETIME=1s", "GATEHOUSE_OAUTH_REFRESH_TOKEN_LIFETIME=1h",
		"GATEHOUSE_OAUTH_GRANT_LIFETIME=1m", "GATEHOUSE_OAUTH_KEY_ROTATION=5m", "GATEHOUSE_OAUTH_KEY_RETIREMENT=0s",
		"GATEHOUSE_OAUTH_SCOPES=reports,openid", "GATEHOUSE_OAUTH_PENDING_PER_CLIENT=0"), 10)
	assert.Len(t, load("GATEHOUSE_PUBLIC_URL=https://a.example", "GATEHOUSE_OAUTH_ACCESS_TOKEN_LIFETIME=3h",
		"GATEHOUSE_OAUTH_KEY_RETIREMENT=2h"), 1, "a key has to outlive the access tokens that it signed")
	_, err := New(t.Context(), Config{}, Deps{})
	require.Error(t, err)
}
