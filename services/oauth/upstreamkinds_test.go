package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/upstream"
)

// ofKind makes the provider one of another kind.
func (h *harness) ofKind(kind string, change func(*upstream.Provider)) {
	h.t.Helper()
	p := &h.config.Providers[0]
	p.Kind = kind
	if change != nil {
		change(p)
	}
	h.restart()
}

func TestGoogleAnswersForTheAddressesItHosts(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		h.ofKind(upstream.KindGoogle, nil)
		for _, c := range []struct {
			email    string
			hd       any
			verified bool
			want     bool
		}{
			{"a@gmail.com", nil, true, true}, {"a@GMail.com", nil, true, true}, {"a@gmail.com", nil, false, false},
			{"a@example.org", nil, true, false}, {"a@example.org", "example.org", true, true}, {"a@example.org", "example.org", false, false},
		} {
			issuer.Claims = map[string]any{"email": c.email, "email_verified": c.verified, "hd": c.hd}
			proved, err := h.answered(issuer, nil)
			require.NoError(t, err)
			require.Equal(t, c.want, proved.EmailVerified, "%+v", c)
			require.Equal(t, c.email, proved.Email)
		}
	})
}

func TestMicrosoftHasAnIssuerForEveryTenant(t *testing.T) {
	t.Parallel()
	const ours, theirs = "9188040d-6c67-4c5b-b112-36a304b66dad", "72f988bf-86f1-41af-91ab-2d7cd011db47"
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		template := issuer.URL + "/{tenantid}/v2.0"
		metadata := func(named string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				_ = json.NewEncoder(w).Encode(map[string]any{
					"issuer": named, "authorization_endpoint": issuer.URL + "/authorize", "token_endpoint": issuer.URL + "/token",
					"jwks_uri": issuer.URL + "/jwks",
				})
			}
		}
		issuer.Instead = map[string]http.HandlerFunc{
			"/common/v2.0/.well-known/openid-configuration":         metadata(template),
			"/" + ours + "/v2.0/.well-known/openid-configuration":   metadata(issuer.URL + "/" + ours + "/v2.0"),
			"/" + theirs + "/v2.0/.well-known/openid-configuration": metadata(template),
			"/organizations/v2.0/.well-known/openid-configuration":  http.NotFound,
			"/consumers/v2.0/.well-known/openid-configuration":      http.NotFound,
			"/.well-known/openid-configuration":                     http.NotFound,
			"/%7Btenantid%7D/v2.0/.well-known/openid-configuration": http.NotFound,
		}
		says := func(iss, tid string) {
			issuer.Claims = map[string]any{"iss": issuer.URL + "/" + iss + "/v2.0", "tid": tid, "email_verified": nil}
		}
		h.ofKind(upstream.KindMicrosoft, func(p *upstream.Provider) { p.Issuer = template })
		says(ours, ours)
		proved, err := h.answered(issuer, nil)
		require.NoError(t, err)
		require.Equal(t, issuer.URL+"/"+ours+"/v2.0", proved.Issuer)
		require.False(t, proved.EmailVerified, "anybody with a tenant can write any address into it")
		for _, owned := range []any{true, "true", 1, "1"} {
			issuer.Claims["xms_edov"] = owned
			proved, err = h.answered(issuer, nil)
			require.NoError(t, err)
			require.True(t, proved.EmailVerified, "%v", owned)
		}
		for iss, tid := range map[string]string{ours: theirs, theirs: ours, "x": "x", "{tenantid}": "{tenantid}", "": ""} {
			says(iss, tid)
			_, err = h.answered(issuer, nil)
			requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed")
		}
		h.ofKind(upstream.KindMicrosoft, func(p *upstream.Provider) { p.Tenants = []string{ours} })
		says(ours, ours)
		_, err = h.answered(issuer, nil)
		require.NoError(t, err)
		says(theirs, theirs)
		_, err = h.answered(issuer, nil)
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_domain")
	})
}

func TestAppleTakesASecretThatWeSign(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		h.ofKind(upstream.KindApple, func(p *upstream.Provider) {
			p.ClientSecret, p.TeamID, p.KeyID = "", "TEAM", "KEY"
			p.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		})
		state := h.begin()
		u, err := url.Parse(state.URL)
		require.NoError(t, err)
		require.Equal(t, "form_post", u.Query().Get("response_mode"))

		secrets := map[string]bool{}
		issuer.Secret = func(secret string) bool {
			signed, err := jose.ParseSignedCompact(secret, []jose.SignatureAlgorithm{jose.ES256})
			require.NoError(t, err)
			require.Equal(t, "KEY", signed.Signatures[0].Header.KeyID)
			payload, err := signed.Verify(key.Public())
			require.NoError(t, err)
			var claims map[string]any
			require.NoError(t, json.Unmarshal(payload, &claims))
			require.Equal(t, []any{"TEAM", fakeissuer.ClientID, issuer.URL}, []any{claims["iss"], claims["sub"], claims["aud"]})
			require.Greater(t, claims["exp"], float64(h.clock.Now().Unix()))
			secrets[secret] = true
			return true
		}
		for range 2 {
			_, err = h.answered(issuer, nil)
			require.NoError(t, err)
		}
		require.Len(t, secrets, 1, "it is made once")
		h.clock.Advance(31 * time.Minute)
		_, err = h.answered(issuer, nil)
		require.NoError(t, err)
		require.Len(t, secrets, 2)
		for secret := range secrets {
			require.NotContains(t, h.log.String(), secret)
		}
	})
}

func TestGitHubTellsWhoHasTheToken(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		answer := func(body any) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer upstream" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				_ = json.NewEncoder(w).Encode(body)
			}
		}
		status := func(code int) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
		}
		user := map[string]any{"id": 4711, "login": "olli", "name": nil}
		emails := []map[string]any{
			{"email": "old@example.org", "primary": false, "verified": true}, {"email": "olli@example.org", "primary": true, "verified": true},
		}
		issuer.Instead = map[string]http.HandlerFunc{
			"/login/oauth/access_token": issuer.Token, "/api/v3/user": answer(user), "/api/v3/user/emails": answer(emails),
		}
		h.ofKind(upstream.KindGitHub, nil)
		proved, err := h.answered(issuer, nil)
		require.NoError(t, err)
		require.Equal(t, []string{issuer.URL, "4711", "olli", "olli@example.org"}, []string{proved.Issuer, proved.Subject, proved.Name, proved.Email})
		require.True(t, proved.EmailVerified)
		emails[1]["verified"] = false
		proved, err = h.answered(issuer, nil)
		require.NoError(t, err)
		require.False(t, proved.EmailVerified, "only the primary one counts")

		for _, c := range []struct {
			path    string
			handler http.HandlerFunc
			kind    fault.Kind
		}{
			{"/api/v3/user", status(http.StatusUnauthorized), fault.Unauthenticated},
			{"/api/v3/user", status(http.StatusBadGateway), fault.Unavailable},
			{"/api/v3/user", status(http.StatusTooManyRequests), fault.Unavailable},
			{"/api/v3/user", answer(map[string]any{"id": 0}), fault.Unauthenticated},
			{"/api/v3/user", answer("text"), fault.Unauthenticated},
			{"/api/v3/user/emails", status(http.StatusForbidden), fault.Unauthenticated},
			{"/login/oauth/access_token", answerOK(`{"error":"bad_verification_code"}`), fault.Unauthenticated},
		} {
			before := issuer.Instead[c.path]
			issuer.Instead[c.path] = c.handler
			_, err := h.answered(issuer, nil)
			require.True(t, fault.Is(err, c.kind), "%s: %v", c.path, err)
			issuer.Instead[c.path] = before
		}
	})
}

func answerOK(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

func TestSettingsOfProvidersAreChecked(t *testing.T) {
	t.Parallel()
	good := func() upstream.Provider {
		return upstream.Provider{Name: "x", Issuer: "https://login.example.org", ClientID: "c", ClientSecret: "s"}
	}
	require.Empty(t, upstream.Providers{good(), {Name: "google", Kind: "google", ClientID: "c"}, {Name: "ms", Kind: "microsoft", ClientID: "c"},
		{Name: "github", Kind: "github", ClientID: "c"}}.Validate("X"))
	for name, change := range map[string]func(*upstream.Provider){
		"name":      func(p *upstream.Provider) { p.Name = "A b" },
		"long name": func(p *upstream.Provider) { p.Name = "8db560a23013ff54838d45e59a3f3f39f6720c86" },
		"kind":      func(p *upstream.Provider) { p.Kind = "saml" },
		"issuer":    func(p *upstream.Provider) { p.Issuer = "" },
		"plain":     func(p *upstream.Provider) { p.Issuer = "http://login.example.org" },
		"client":    func(p *upstream.Provider) { p.ClientID = "" },
		"redirect":  func(p *upstream.Provider) { p.RedirectURIs = []string{"/relative"} },
		"domain":    func(p *upstream.Provider) { p.AllowedDomains = []string{"@example.org"} },
		"trust":     func(p *upstream.Provider) { p.LinkByEmail = true },
		"tenants":   func(p *upstream.Provider) { p.Tenants = []string{"9188040d-6c67-4c5b-b112-36a304b66dad"} },
		"tenant":    func(p *upstream.Provider) { p.Kind, p.Issuer, p.Tenants = "microsoft", "", []string{"common"} },
		"template":  func(p *upstream.Provider) { p.Kind = "microsoft" },
		"apple":     func(p *upstream.Provider) { p.Kind = "apple" },
		"team":      func(p *upstream.Provider) { p.TeamID = "TEAM" },
		"nonce":     func(p *upstream.Provider) { p.Kind, p.RequireNonce = "github", true },
	} {
		p := good()
		change(&p)
		require.Len(t, upstream.Providers{p}.Validate("X"), 1, name)
	}
	require.Len(t, upstream.Providers{good(), good()}.Validate("X"), 1, "the same name")
}
