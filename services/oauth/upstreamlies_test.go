package oauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
)

// answered finishes a login at the provider with a response.
func (h *harness) answered(issuer *fakeissuer.Issuer, change func(*oauth.FinishIdentityRequest)) (oauth.ProvedIdentity, error) {
	h.t.Helper()
	state := h.begin()
	r := oauth.FinishIdentityRequest{
		Provider: "example", State: state.State, Code: issuer.Authorize(h.t, state.URL), Binding: "caller",
	}
	if change != nil {
		change(&r)
	}
	return h.service.FinishIdentity(h.t.Context(), r)
}

func requireUpstream(t *testing.T, err error, kind fault.Kind, message string) {
	t.Helper()
	require.True(t, fault.Is(err, kind), "%v", err)
	require.Equal(t, message, fault.From(err).Message.ID)
}

func TestErrorsThatProvidersSendUsersBackWith(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		for code, want := range map[string]struct {
			kind    fault.Kind
			message string
		}{
			"access_denied":           {fault.Unauthenticated, "fault.identity_denied"},
			"server_error":            {fault.Unavailable, "fault.unavailable"},
			"temporarily_unavailable": {fault.Unavailable, "fault.unavailable"},
			"invalid_scope":           {fault.Unauthenticated, "fault.identity_failed"},
			"\x00\xff<script>":        {fault.Unauthenticated, "fault.identity_failed"},
		} {
			var state string
			_, err := h.answered(issuer, func(r *oauth.FinishIdentityRequest) { r.Code, r.Error, state = "", code, r.State })
			requireUpstream(t, err, want.kind, want.message)
			_, err = h.finish(state, "code")
			requireField(t, err, "state") // it is over
		}
		require.NotContains(t, h.log.String(), "<script>\n")
	})
}

func TestAResponseNamesItsIssuer(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		named := func(name string) error {
			_, err := h.answered(issuer, func(r *oauth.FinishIdentityRequest) { r.Issuer = name })
			return err
		}
		require.NoError(t, named(issuer.URL))
		requireUpstream(t, named("https://evil.example"), fault.Unauthenticated, "fault.identity_failed")
		requireUpstream(t, named(issuer.URL+"/"), fault.Unauthenticated, "fault.identity_failed")

		issuer.Metadata["authorization_response_iss_parameter_supported"] = true
		h.restart()
		require.NoError(t, named(""), "an app of its own may not pass it on")
		state, err := h.service.BeginIdentity(t.Context(), oauth.BeginIdentityRequest{
			Provider: "example", Binding: "caller", RedirectURI: testOrigin + "/login/identity/example",
		})
		require.NoError(t, err)
		_, err = h.finish(state.State, issuer.Authorize(t, state.URL))
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed")
	})
}

func TestUserInfoFillsInWhatTheIDTokenLeavesOut(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		for _, name := range []string{"email", "email_verified", "name"} {
			issuer.Claims[name] = nil
		}
		issuer.UserInfo = map[string]any{"sub": "upstream-subject", "email": "info@example.org", "email_verified": true, "name": "Info"}
		h.restart()
		proved, err := h.answered(issuer, nil)
		require.NoError(t, err)
		require.Equal(t, "info@example.org Info", proved.Email+" "+proved.Name)
		require.True(t, proved.EmailVerified)

		issuer.UserInfo["sub"] = "somebody else"
		_, err = h.answered(issuer, nil)
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed")
		issuer.Instead = map[string]http.HandlerFunc{"/userinfo": http.NotFound}
		proved, err = h.answered(issuer, nil)
		require.NoError(t, err, "who it is has been proved")
		require.Empty(t, proved.Email)
		require.False(t, proved.EmailVerified)
	})
}

func TestProvidersThatMisbehaveAreUnavailable(t *testing.T) {
	t.Parallel()
	huge := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"x":"` + strings.Repeat("x", fetch.MaxBody) + `"}`))
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
	}
	for name, behaviour := range map[string]http.HandlerFunc{"huge": huge, "redirect": elsewhere} {
		for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
					issuer.Instead = map[string]http.HandlerFunc{path: behaviour}
					if strings.HasPrefix(path, "/.") {
						_, err := h.service.BeginIdentity(t.Context(), oauth.BeginIdentityRequest{Provider: "example", Binding: "caller"})
						requireUpstream(t, err, fault.Unavailable, "fault.unavailable")
						return
					}
					_, err := h.answered(issuer, nil)
					if name == "redirect" && path == "/token" {
						requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed") // it is an answer
						return
					}
					requireUpstream(t, err, fault.Unavailable, "fault.unavailable")
				})
			})
		}
	}
}

func TestMetadataHasToBeOfTheIssuer(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		for name, value := range map[string]any{
			"issuer": "https://evil.example", "token_endpoint": "http://evil.example/token", "jwks_uri": "file:///etc/passwd",
			"authorization_endpoint": "javascript:alert(1)", "userinfo_endpoint": "ftp://evil.example",
		} {
			issuer.Metadata = map[string]any{name: value}
			h.restart()
			_, err := h.service.BeginIdentity(t.Context(), oauth.BeginIdentityRequest{Provider: "example", Binding: "caller"})
			requireUpstream(t, err, fault.Unavailable, "fault.unavailable")
		}
		// What was known before goes on if it changes its mind.
		issuer.Metadata = map[string]any{}
		h.restart()
		_, err := h.answered(issuer, nil)
		require.NoError(t, err)
		issuer.Metadata = map[string]any{"issuer": "https://evil.example"}
		h.clock.Advance(2 * time.Hour)
		_, err = h.answered(issuer, nil)
		require.NoError(t, err)
	})
}

func TestKeysOfProvidersRotate(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		for range 3 {
			_, err := h.answered(issuer, nil)
			require.NoError(t, err)
			issuer.Rotate(t)
		}
	})
}

func TestProvidersClocksMayBeWrongByALittle(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		issuer.Claims["exp"] = h.clock.Now().Add(-29 * time.Second).Unix()
		_, err := h.answered(issuer, nil)
		require.NoError(t, err)
		issuer.Claims["exp"] = h.clock.Now().Add(-31 * time.Second).Unix()
		_, err = h.answered(issuer, nil)
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed")
	})
}

func TestSettingsOfAProviderDecideWhoIsLetIn(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		p := &h.config.Providers[0]
		p.AllowedDomains = []string{"example.org"}
		for email, in := range map[string]bool{
			"a@example.org": true, "a@EXAMPLE.org": true, "a@sub.example.org": false, "a@example.org.evil.example": false, "": false,
			"a@example.org@evil.example": false,
		} {
			h.restart()
			issuer.Claims["email"] = email
			_, err := h.answered(issuer, nil)
			if in {
				require.NoError(t, err, email)
				continue
			}
			requireUpstream(t, err, fault.Unauthenticated, "fault.identity_domain")
		}
		issuer.Claims["email"], issuer.Claims["email_verified"] = "a@example.org", false
		_, err := h.answered(issuer, nil)
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_domain")

		p.AllowedDomains, p.TrustEmail, p.LinkByEmail, p.RequireNonce = nil, true, true, true
		h.restart()
		proved, err := h.answered(issuer, nil)
		require.NoError(t, err)
		require.False(t, proved.EmailTrusted || proved.LinkByEmail, "not verified")
		delete(issuer.Claims, "email_verified")
		proved, err = h.answered(issuer, nil)
		require.NoError(t, err)
		require.True(t, proved.EmailTrusted && proved.LinkByEmail)
		state := h.begin()
		_, err = h.finish(state.State, issuer.Authorize(t, issuer.Request(state.State, state.Challenge, upstreamCallback)))
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed")
	})
}
