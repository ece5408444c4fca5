package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// twice sends the same to two services on one database at the same moment, and
// gives the statuses.
func (h *harness) twice(build func() *http.Request) []int {
	h.t.Helper()
	first := h.service.Public()
	h.restart()
	replicas := []http.Handler{first, h.service.Public()}
	statuses := make([]int, len(replicas))
	var all sync.WaitGroup
	for i, replica := range replicas {
		r := build()
		all.Go(func() {
			w := httptest.NewRecorder()
			replica.ServeHTTP(w, r)
			statuses[i] = w.Code
		})
	}
	all.Wait()
	return statuses
}

func TestAnAssertionIsGoodOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.keyed(key)
		used := sign(t, jose.ES256, key, h.asserting(c))
		send := func(assertion string) answer { return h.do(post("/oauth2/token", asserted(ownToken(), assertion))) }
		assert.Equal(t, http.StatusOK, send(used).status)
		requireError(t, send(used), http.StatusUnauthorized, "invalid_client")
		h.restart()
		requireError(t, send(used), http.StatusUnauthorized, "invalid_client")

		// The id is the client's: another's may be the same.
		second := ecKey(t)
		other := h.keyed(second)
		assert.Equal(t, http.StatusOK, send(sign(t, jose.ES256, key, h.asserting(c, "jti", "1"))).status)
		assert.Equal(t, http.StatusOK, send(sign(t, jose.ES256, second, h.asserting(other, "jti", "1"))).status)
		// Another assertion of the same id is the same one.
		requireError(t, send(sign(t, jose.ES256, key, h.asserting(c, "jti", "1", "x", 1))), http.StatusUnauthorized, "invalid_client")

		both := sign(t, jose.ES256, key, h.asserting(c))
		assert.ElementsMatch(t, []int{http.StatusOK, http.StatusUnauthorized}, h.twice(func() *http.Request {
			return post("/oauth2/token", asserted(ownToken(), both))
		}))
	})
}

// The sweep must not make room for an assertion that is still good.
func TestASpentIdOutlivesItsAssertion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.keyed(key)
		used := sign(t, jose.ES256, key, h.asserting(c, "exp", h.clock.Now().Add(time.Minute).Unix()))
		require.Equal(t, http.StatusOK, h.do(post("/oauth2/token", asserted(ownToken(), used))).status)
		left := func() (n int) {
			require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM spent_ids WHERE expiration_time > $1", h.clock.Now().UnixMicro()).Scan(&n))
			return n
		}
		h.clock.Advance(89 * time.Second) // within the leeway
		assert.Equal(t, 1, left())
		requireError(t, h.do(post("/oauth2/token", asserted(ownToken(), used))), http.StatusUnauthorized, "invalid_client")
		h.clock.Advance(2 * time.Second)
		assert.Zero(t, left())
		requireError(t, h.do(post("/oauth2/token", asserted(ownToken(), used))), http.StatusUnauthorized, "invalid_client")
	})
}

// What is used up at an endpoint that writes nothing is used up for those that do,
// and the other way round.
func TestAssertionsAtOtherEndpoints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.keyed(key)
		good := func() string { return sign(t, jose.ES256, key, h.asserting(c)) }
		to := func(path, assertion string) int {
			f := url.Values{"token": {"gh_at_none"}}
			if path == "/oauth2/token" {
				f = ownToken()
			}
			return h.do(post(path, asserted(f, assertion))).status
		}
		for _, first := range []string{"/oauth2/introspect", "/oauth2/revoke", "/oauth2/token"} {
			for _, second := range []string{"/oauth2/introspect", "/oauth2/revoke", "/oauth2/token"} {
				a := good()
				assert.Equal(t, http.StatusOK, to(first, a), first)
				assert.Equal(t, http.StatusUnauthorized, to(second, a), "%s after %s", second, first)
			}
		}
		var rows int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM spent_ids").Scan(&rows))
		assert.Equal(t, http.StatusOK, to("/oauth2/introspect", good()))
		var after int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM spent_ids").Scan(&after))
		assert.Equal(t, rows, after, "introspection writes nothing")
	})
}

// Trap 13: a request that is refused for anything burns nothing, so that a client
// which corrects it may send the same assertion again.
func TestTrap13ARefusedRequestBurnsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.keyed(key)
		a := sign(t, jose.ES256, key, h.asserting(c))
		refused := []url.Values{
			asserted(set(ownToken(), "scope", "unknown"), a),
			asserted(codeForm("gh_ac_none"), a),
			set(asserted(ownToken(), a), "client_id", "another"),
		}
		for _, f := range refused {
			assert.Equal(t, http.StatusBadRequest, h.do(post("/oauth2/token", f)).status)
		}
		assert.Equal(t, http.StatusOK, h.do(post("/oauth2/token", asserted(ownToken(), a))).status)

		// A wrong audience is found before the id is looked at.
		again := sign(t, jose.ES256, key, h.asserting(c, "jti", "x", "aud", "https://other.example"))
		assert.Equal(t, http.StatusUnauthorized, h.do(post("/oauth2/token", asserted(ownToken(), again))).status)
		again = sign(t, jose.ES256, key, h.asserting(c, "jti", "x"))
		assert.Equal(t, http.StatusOK, h.do(post("/oauth2/token", asserted(ownToken(), again))).status)
	})
}

// Trap 13: a client that is held to FAPI 2.0 names the issuer, as one string.
func TestTrap13TheAudienceOfFAPI(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.changed(func(c *client.Client) {
			c.AuthMethod, c.JWKS = client.AuthJWT, jwks(t, map[string]any{"k": &key.PublicKey})
			c.RequirePAR, c.TLSBound = true, true
		})
		for _, test := range []struct {
			audience any
			good     bool
		}{
			{h.issuer, true}, {[]string{h.issuer}, false}, {h.issuer + "/oauth2/token", false}, {h.issuer + "/oauth2/introspect", false},
		} {
			f := asserted(url.Values{"token": {"x"}}, sign(t, jose.ES256, key, h.asserting(c, "aud", test.audience)))
			a := h.do(post("/oauth2/introspect", f))
			assert.Equal(t, test.good, a.status == http.StatusOK, "%v: %s", test.audience, a.body)
		}
	})
}

// Trap 14: a key set is fetched, but not from just anywhere.
func TestTrap14KeySetsOfPrivateNetworks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key, asked := ecKey(t), 0
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			_, _ = w.Write(jwks(t, map[string]any{"k": &key.PublicKey}))
		}))
		t.Cleanup(server.Close)
		c := h.changed(func(c *client.Client) { c.AuthMethod, c.JWKSURI = client.AuthJWT, server.URL })
		a := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, jose.ES256, key, h.asserting(c)))))
		requireError(t, a, http.StatusUnauthorized, "invalid_client")
		assert.Zero(t, asked)
		assert.NotContains(t, a.body, strings.TrimPrefix(server.URL, "https://"))
	})
}
