package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

func TestEverythingExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		code := h.code(c)
		h.clock.Advance(time.Minute - time.Microsecond)
		assert.Equal(t, http.StatusOK, h.redeem(c, code).status)
		code = h.code(c)
		h.clock.Advance(time.Minute)
		requireError(t, h.redeem(c, code), http.StatusBadRequest, "invalid_grant")

		short := h.tokens(c, "scope", "openid")
		long := h.tokens(c)
		h.clock.Advance(10*time.Minute - time.Second)
		assert.True(t, h.active(c, short.text("access_token")))
		assert.Equal(t, http.StatusOK, h.userinfo(long.text("access_token")).status)
		h.clock.Advance(time.Second)
		for _, a := range []answer{short, long} {
			assert.False(t, h.active(c, a.text("access_token")))
			info := h.userinfo(a.text("access_token"))
			requireError(t, info, http.StatusUnauthorized, "invalid_token")
			assert.Contains(t, info.header.Get("WWW-Authenticate"), `Bearer realm="gatehouse", error="invalid_token"`)
		}
		assert.True(t, h.active(c, long.text("refresh_token")))
		h.clock.Advance(30*24*time.Hour - 10*time.Minute)
		assert.False(t, h.active(c, long.text("refresh_token")))
		requireError(t, h.refresh(c, long.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

// A family in use slides on, up to the end of the grant.
func TestRefreshingEndsAtLast(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.RefreshLifetime, h.config.GrantLifetime = time.Hour, 150*time.Minute
		h.restart()
		c := h.web()
		a := h.tokens(c)
		for range 3 {
			h.clock.Advance(49 * time.Minute)
			a = h.refresh(c, a.text("refresh_token"))
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
		assert.EqualValues(t, 180, a.json["expires_in"], "no token outlives its grant")
		h.clock.Advance(3 * time.Minute)
		assert.False(t, h.active(c, a.text("access_token")))
		requireError(t, h.refresh(c, a.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

func TestDisabledUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tokens, code := h.tokens(c), h.code(c)
		h.accounts.disable(alice)
		requireError(t, h.userinfo(tokens.text("access_token")), http.StatusUnauthorized, "invalid_token")
		requireError(t, h.redeem(c, code), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.refresh(c, tokens.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		assert.False(t, h.active(c, tokens.text("access_token")), "the grant has ended")
		h.accounts.mu.Lock()
		h.accounts.users = newFakeAccounts().users
		h.accounts.mu.Unlock()
		requireError(t, h.refresh(c, tokens.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

// fosite's signer verifies with the current key alone.
func TestTrap10OldKeysStillVerify(t *testing.T) {
	t.Parallel()
	served(t, func(t *testing.T, h *harness) {
		c := h.web()
		before := h.tokens(c)
		hint := before.text("id_token")
		require.NoError(t, h.service.signer.Set(keys.Default).Rotate(t.Context()))
		after := h.tokens(c)
		set := h.do(httptest.NewRequest(http.MethodGet, "/oauth2/jwks", http.NoBody))
		published, _ := set.json["keys"].([]any)
		var algorithms []any
		for _, key := range published {
			k, _ := key.(map[string]any)
			algorithms = append(algorithms, k["alg"])
			assert.Equal(t, "sig", k["use"])
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi"} {
				assert.NotContains(t, k, private)
			}
		}
		assert.Equal(t, []any{"RS256", "RS256", "ES256", "EdDSA"}, algorithms, set.body)
		remote := oidc.NewRemoteKeySet(t.Context(), h.issuer+"/oauth2/jwks")
		verifier := oidc.NewVerifier(h.issuer, remote, &oidc.Config{ClientID: c.Client.ID, Now: h.clock.Now})
		kids := map[string]bool{}
		for _, raw := range []string{hint, after.text("id_token")} {
			_, err := verifier.Verify(t.Context(), raw)
			require.NoError(t, err)
			kids[strings.Split(raw, ".")[0]] = true
		}
		assert.Len(t, kids, 2, "signed by different keys")
		q := redirected(t, h.authorize(form(c, "id_token_hint", hint, "prompt", "none"), h.login()))
		assert.NotEmpty(t, q.Get("code"), "%v", q)
		assert.True(t, h.active(c, before.text("access_token")))
		assert.Equal(t, http.StatusOK, h.refresh(c, before.text("refresh_token")).status)

		h.clock.Advance(31 * 24 * time.Hour) // the old key is gone for good
		q = redirected(t, h.authorize(form(c, "id_token_hint", hint, "prompt", "none"), h.login()))
		assert.Equal(t, "invalid_request", q.Get("error"))
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		h.code(c)
		kept := h.tokens(c)
		h.tokens(c, "scope", "openid")
		h.authorize(form(c), nil)
		own := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})).text("access_token")
		require.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/revoke", url.Values{"token": {own}})).status)
		count := func() (n int) {
			require.NoError(t, h.db.QueryRow(t.Context(), `SELECT (SELECT COUNT(*) FROM grants)
				+ (SELECT COUNT(*) FROM authorization_requests) + (SELECT COUNT(*) FROM revoked_tokens)`).Scan(&n))
			return n
		}
		require.Equal(t, 5, count())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.service.Run(ctx) }()
		h.clock.Advance(2 * time.Hour)
		require.Eventually(t, func() bool { // the sweep may begin to wait only now
			h.clock.Advance(sweepEvery)
			return count() == 1
		}, 10*time.Second, 20*time.Millisecond)
		stop()
		require.NoError(t, <-done)
		assert.Equal(t, http.StatusOK, h.refresh(c, kept.text("refresh_token")).status)
	})
}

// When something behind is away, clients are told to come back, and nothing is
// used up.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tokens, code := h.tokens(c), h.code(c)
		userinfo := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", http.NoBody)
		userinfo.Header.Set("Authorization", "Bearer "+tokens.text("access_token"))
		refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text("refresh_token")}}
		token := url.Values{"token": {tokens.text("access_token")}}
		away := func(name string, a answer) {
			assert.Equal(t, http.StatusServiceUnavailable, a.status, "%s: %s", name, a.body)
			assert.Equal(t, "temporarily_unavailable", a.text("error"), name)
			assert.NotEmpty(t, a.header.Get("Retry-After"), name)
			assert.Empty(t, a.header.Get("WWW-Authenticate"), name)
		}

		h.accounts.fail(fault.New(fault.Unavailable, ""))
		away("redeem", h.redeem(c, code))
		away("refresh", h.do(as(c, "/oauth2/token", refresh)))
		away("userinfo", h.do(userinfo))
		assert.True(t, h.active(c, tokens.text("access_token")), "introspection does not need accounts")
		h.accounts.fail(nil)

		gone := canceled(t) // as good as a database that does not answer
		for name, r := range map[string]*http.Request{
			"redeem": as(c, "/oauth2/token", codeForm(code)), "refresh": as(c, "/oauth2/token", refresh), "userinfo": userinfo,
			"credentials": as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}),
			"introspect":  as(c, "/oauth2/introspect", token), "revoke": as(c, "/oauth2/revoke", token),
		} {
			away(name, h.do(r.WithContext(gone)))
		}
		for _, login := range []*oauth.Login{nil, h.login()} {
			_, err := h.service.Authorize(gone, oauth.AuthorizeRequest{Form: form(c), Login: login})
			assert.True(t, fault.Is(fault.From(err), fault.Unavailable), "%v", err)
		}
		_, err := h.service.Resume(gone, oauth.ResumeRequest{ID: "x"})
		assert.True(t, fault.Is(fault.From(err), fault.Unavailable), "%v", err)

		assert.Equal(t, http.StatusOK, h.redeem(c, code).status, "nothing was used up")
		assert.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/token", refresh)).status)
		assert.Equal(t, http.StatusOK, h.do(userinfo).status)
	})
}

// A failure of ours shows nothing of itself.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		token := h.tokens(c).text("access_token")
		h.accounts.fail(assert.AnError)
		a := h.userinfo(token)
		requireError(t, a, http.StatusInternalServerError, "server_error")
		assert.NotContains(t, a.body, assert.AnError.Error())
		assert.Contains(t, h.log.String(), assert.AnError.Error())
		_, err := h.db.Exec(t.Context(), "DROP TABLE revoked_tokens")
		require.NoError(t, err)
		_, err = h.db.Exec(t.Context(), "UPDATE clients SET scopes = 'x'")
		require.NoError(t, err)
		requireError(t, h.introspect(c, token), http.StatusInternalServerError, "server_error")
		_, err = h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: form(c), Login: h.login()})
		assert.True(t, fault.Is(fault.From(err), fault.Internal), "%v", err)
	})
}
