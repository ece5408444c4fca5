package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// The numbers are those of the traps that fosite, at the commit in use, sets
// for who builds on it.

// With PKCE not enforced fosite forgets the challenge at the first wrong
// verifier, and takes the code without one.
func TestTrap1AStoredChallengeIsAlwaysAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(func(r *oauth.CreateClientRequest) { r.PKCEOptional = true })
		for name, second := range map[string]string{"without a verifier": "", "with the right one": verifier, "with an empty one": " "} {
			code := h.code(c)
			requireError(t, h.redeem(c, code, "code_verifier", strings.Repeat("x", 43)), http.StatusBadRequest, "invalid_grant")
			requireError(t, h.redeem(c, code, "code_verifier", second), http.StatusBadRequest, "invalid_grant")
			t.Log(name)
		}
		requireError(t, h.redeem(c, h.code(c), "code_verifier", ""), http.StatusBadRequest, "invalid_grant")

		plain := []string{"code_challenge", "", "code_challenge_method", ""}
		a := h.redeem(c, h.code(c, plain...), "code_verifier", "")
		assert.Equal(t, http.StatusOK, a.status, "an exempted client needs no proof key: %s", a.body)
		requireError(t, h.redeem(c, h.code(c, plain...)), http.StatusBadRequest, "invalid_grant") // a verifier from nowhere
	})
}

func TestTrap2StateIsTheClientsBusiness(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for _, state := range []string{"", "x", "1234567", "ä € %20&=#\"<>", strings.Repeat("s", 1024)} {
			q := redirected(t, h.authorize(form(c, "state", state), h.login()))
			assert.NotEmpty(t, q.Get("code"))
			assert.Equal(t, state, q.Get("state"))
			assert.Equal(t, state != "", q.Has("state"))
		}
	})
}

func TestTrap4OnlyLoopbackPortsAreFree(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		tests := []struct {
			registered, requested string
			ok                    bool
		}{
			{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true},
			{"http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", true},
			{"http://[::1]/cb", "http://[::1]:51004/cb", true},
			{"http://127.0.0.1/cb?a=b", "http://127.0.0.1:1/cb?a=b", true},
			{"https://127.0.0.1/cb", "http://127.0.0.1:51004/cb", false},
			{"https://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false},
			{"http://localhost/cb", "http://localhost:51004/cb", false},
			{"http://localhost:3000/cb", "http://localhost:3000/cb", true},
			{"http://127.0.0.1/cb", "http://[::1]:51004/cb", false},
			{"http://127.0.0.1/cb", "http://127.0.0.2:51004/cb", false},
			{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/", false},
			{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=y", false},
			{"http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb", false},
			{"http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false},
			{"http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false},
			{"http://127.0.0.1/cb", "http://127.0.0.1:/cb", false},
		}
		for _, test := range tests {
			c := h.web(func(r *oauth.CreateClientRequest) { r.RedirectURIs = []string{test.registered, callback} })
			a := h.authorize(form(c, "redirect_uri", test.requested), h.login())
			if !test.ok {
				assert.NotNil(t, a.Problem, "%+v", test)
				continue
			}
			assert.True(t, strings.HasPrefix(a.Redirect, test.requested), "%+v: %+v", test, a)
			q := redirected(t, a)
			answer := h.redeem(c, q.Get("code"), "redirect_uri", test.requested)
			assert.Equal(t, http.StatusOK, answer.status, answer.body)
		}
	})
}

// together sends the same request several times at once.
func together(n int, send func() answer) []answer {
	answers := make([]answer, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = send()
		})
	}
	close(start)
	wg.Wait()
	return answers
}

func TestTrap5OfManyRedemptionsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		code := h.code(c)
		var won []answer
		for _, a := range together(8, func() answer { return h.redeem(c, code) }) {
			if a.status == http.StatusOK {
				won = append(won, a)
				continue
			}
			assert.Equal(t, "invalid_grant", a.text("error"), a.body)
		}
		require.Len(t, won, 1)
		// The code was presented twice, so somebody else may have it: what the
		// winner got is void too.
		assert.False(t, h.active(c, won[0].text("access_token")))
		requireError(t, h.refresh(c, won[0].text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

func TestTrap5RefreshesAtOnceKeepOneFamily(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		first := h.tokens(c).text("refresh_token")
		next := map[string]bool{}
		for _, a := range together(8, func() answer { return h.refresh(c, first) }) {
			require.Equal(t, http.StatusOK, a.status, a.body)
			next[a.text("refresh_token")] = true
			assert.True(t, h.active(c, a.text("access_token")))
		}
		assert.Len(t, next, 1, "all got the same token")
		for token := range next {
			assert.NotEqual(t, first, token)
			assert.Equal(t, http.StatusOK, h.refresh(c, token).status)
		}
	})
}

func TestTrap5OfManyAnswersOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		a := h.authorize(form(c), h.login())
		require.NotNil(t, a.Consent)
		var mu sync.Mutex
		codes := 0
		together(8, func() answer {
			a, err := h.service.Resume(t.Context(), oauth.ResumeRequest{
				ID: a.Consent.ID, Login: h.login(), Decision: &oauth.Decision{Allow: true},
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil && redirected(t, a).Get("code") != "" {
				codes++
			}
			return answer{}
		})
		assert.Equal(t, 1, codes)
	})
}

func TestTrap6ReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		first := h.tokens(c)
		second := h.refresh(c, first.text("refresh_token"))
		require.Equal(t, http.StatusOK, second.status, second.body)

		h.clock.Advance(10 * time.Second)
		requireError(t, h.refresh(c, first.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.refresh(c, second.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		for _, token := range []string{first.text("access_token"), second.text("access_token"), second.text("refresh_token")} {
			assert.False(t, h.active(c, token))
		}
		assert.Equal(t, http.StatusUnauthorized, h.userinfo(second.text("access_token")).status)

		code := h.code(c)
		third := h.redeem(c, code)
		require.Equal(t, http.StatusOK, third.status)
		requireError(t, h.redeem(c, code), http.StatusBadRequest, "invalid_grant")
		assert.False(t, h.active(c, third.text("access_token")))
		requireError(t, h.refresh(c, third.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

func TestTrap6ARetryWithinTheGraceIsAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		first := h.tokens(c).text("refresh_token")
		second := h.refresh(c, first).text("refresh_token")
		h.clock.Advance(9 * time.Second)
		again := h.refresh(c, first)
		require.Equal(t, http.StatusOK, again.status, again.body)
		assert.Equal(t, second, again.text("refresh_token"), "the family does not split")
		assert.True(t, h.active(c, first), "still good for a moment")

		third := h.refresh(c, second).text("refresh_token")
		// The first is two generations old now, and the grace is for one.
		requireError(t, h.refresh(c, first), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.refresh(c, third), http.StatusBadRequest, "invalid_grant")

		h.config.RefreshGrace = 0
		h.restart()
		first = h.tokens(c).text("refresh_token")
		second = h.refresh(c, first).text("refresh_token")
		requireError(t, h.refresh(c, first), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.refresh(c, second), http.StatusBadRequest, "invalid_grant")
	})
}

func TestTrap6RefreshNarrowsTheScope(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		first := h.tokens(c)
		narrow := h.refresh(c, first.text("refresh_token"), "scope", "email profile")
		require.Equal(t, http.StatusOK, narrow.status, narrow.body)
		assert.Equal(t, "email profile", narrow.text("scope"))
		assert.NotContains(t, narrow.json, "id_token", "openid was left out")
		assert.Equal(t, "email profile", h.introspect(c, narrow.text("access_token")).text("scope"))
		assert.Equal(t, http.StatusForbidden, h.userinfo(narrow.text("access_token")).status)

		requireError(t, h.refresh(c, narrow.text("refresh_token"), "scope", "email "+testScope), http.StatusBadRequest, "invalid_scope")
		full := h.refresh(c, narrow.text("refresh_token"))
		assert.Equal(t, "openid profile email hub offline_access", full.text("scope"), "the grant keeps its scopes: %s", full.body)
	})
}

func TestTrap8SecretsAreFastAndWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		var stored []byte
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT secret_hash FROM clients WHERE id = $1", c.Client.ID).Scan(&stored))
		assert.Equal(t, h.ring.MAC("oauth client secret", []byte(c.Secret)), stored)
		assert.Len(t, c.Secret, len("gh_cs_")+43, "256 bits")

		ask := func(secret string) answer {
			wrong := c
			wrong.Secret = secret
			return h.do(as(wrong, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}))
		}
		assert.Equal(t, http.StatusOK, ask(c.Secret).status)
		for i := range len(c.Secret) {
			changed := []byte(c.Secret)
			changed[i] ^= 1
			requireError(t, ask(string(changed)), http.StatusUnauthorized, "invalid_client")
		}
		requireError(t, ask(c.Secret+"x"), http.StatusUnauthorized, "invalid_client")
		requireError(t, ask(c.Secret[:len(c.Secret)-1]), http.StatusUnauthorized, "invalid_client")
	})
}

func TestTrap11NoHandlerIsLostAndNoCodeStored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		code := h.code(c)
		tokens := h.redeem(c, code)
		require.Equal(t, http.StatusOK, tokens.status, tokens.body)
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			assert.NotEmpty(t, tokens.text(name))
		}
		waiting := h.authorize(form(c), nil).Login.ID
		all := dump(t, h.db)
		for name, secret := range map[string]string{
			"code": code, "client secret": c.Secret, "verifier": verifier, "request id": waiting,
			"access token": tokens.text("access_token"), "refresh token": tokens.text("refresh_token"), "ID token": tokens.text("id_token"),
		} {
			assert.NotContains(t, all, secret, name)
		}
		assert.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})).status)
		assert.Equal(t, http.StatusOK, h.refresh(c, tokens.text("refresh_token")).status)
	})
}

// dump is everything in the service's tables as text.
func dump(t *testing.T, d *db.DB) string {
	t.Helper()
	var all strings.Builder
	for table, columns := range map[string]string{
		"clients": "id || name || redirect_uris", "authorization_requests": "request", "consents": "subject || scope",
		"grants": "subject || session || scopes || details",
	} {
		rows, err := d.Query(t.Context(), "SELECT "+columns+" FROM "+table)
		require.NoError(t, err)
		for rows.Next() {
			var text string
			require.NoError(t, rows.Scan(&text))
			all.WriteString(text)
		}
		require.NoError(t, rows.Close())
	}
	for table, column := range map[string]string{
		"clients": "secret_hash", "authorization_requests": "id_hash", "grants": "code_hash", "signing_keys": "sealed",
	} {
		rows, err := d.Query(t.Context(), "SELECT "+column+" FROM "+table)
		require.NoError(t, err)
		for rows.Next() {
			var bytes []byte
			require.NoError(t, rows.Scan(&bytes))
			all.Write(bytes)
		}
		require.NoError(t, rows.Close())
	}
	return all.String()
}

func TestTrap15ScopesAreExact(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for _, scope := range []string{"openid reports.read", "openid reports.", "openid *", "openid Reports", "openid report"} {
			q := redirected(t, h.authorize(form(c, "scope", scope), h.login()))
			assert.Equal(t, "invalid_scope", q.Get("error"), scope)
		}
		a := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"reports.read"}}))
		requireError(t, a, http.StatusBadRequest, "invalid_scope")
		_, err := h.service.CreateClient(t.Context(), oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", RedirectURIs: []string{callback}, Scopes: []string{"reports.*"}}})
		require.Error(t, err)
	})
}

func TestTrap16EveryAnswerNamesTheIssuer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		q := redirected(t, h.authorize(form(c), h.login()))
		assert.NotEmpty(t, q.Get("code"))
		assert.Equal(t, testOrigin, q.Get("iss"))
		q = redirected(t, h.authorize(form(c, "prompt", "none"), nil))
		assert.Equal(t, "login_required", q.Get("error"))
		assert.Equal(t, testOrigin, q.Get("iss"))
		assert.Equal(t, "af0ifjsldkj", q.Get("state"))
	})
}
