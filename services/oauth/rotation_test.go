package oauth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

// replica is one more service on the same database.
func (h *harness) replica() *harness {
	h.t.Helper()
	other := *h
	other.restart()
	return &other
}

// held is a token and when it was issued.
type held struct {
	token  string
	issued time.Time
}

// TestKeysRotateUnderLoad has two services issue and verify tokens of every
// algorithm without a pause, while the keys rotate beneath them many times. Tokens
// are good for exactly their lifetime, whoever looks at them, and relying parties
// never meet a key that they cannot find.
func TestKeysRotateUnderLoad(t *testing.T) {
	t.Parallel()
	served(t, func(t *testing.T, h *harness) {
		h.config.KeyRotation, h.config.KeyRetirement = 2*time.Hour, time.Hour
		h.restart()
		services := []*harness{h, h.replica()}
		remote := oidc.NewRemoteKeySet(t.Context(), h.issuer+"/oauth2/jwks")
		var clients []oauth.CreatedClient
		for _, algorithm := range keys.Algorithms() {
			clients = append(clients, h.web(signs(algorithm)))
		}
		kids, old := map[string]bool{}, map[int][]held{}
		for range 60 { // 10 hours, in steps of a token's lifetime
			for _, s := range services {
				for _, algorithm := range keys.Algorithms() {
					require.NoError(t, s.service.signer.Set(algorithm).Maintain(t.Context()))
				}
			}
			var mu sync.Mutex
			var group sync.WaitGroup
			var problems error
			for i, s := range services {
				for j, c := range clients {
					group.Go(func() {
						token, issued := s.own(c).text("access_token"), h.clock.Now()
						other := services[1-i]
						assert.True(t, other.active(c, token), "the other service knows the key")
						_, problem := remote.VerifySignature(t.Context(), token)
						header, _ := h.read(token)
						mu.Lock()
						defer mu.Unlock()
						problems = errors.Join(problems, problem)
						kids[header.KeyID] = true
						old[j] = append(old[j], held{token, issued})
					})
				}
			}
			group.Wait()
			require.NoError(t, problems, "who looks the keys up finds them")
			h.clock.Advance(5 * time.Minute)
			for j, c := range clients {
				for _, one := range old[j][max(0, len(old[j])-4):] {
					good := h.clock.Since(one.issued) < 10*time.Minute
					assert.Equal(t, good, h.active(c, one.token), "%v old", h.clock.Since(one.issued))
				}
			}
			h.clock.Advance(5 * time.Minute)
		}
		assert.GreaterOrEqual(t, len(kids), 4*len(clients), "they have rotated")
		for _, one := range old[0][:10] {
			err := h.service.signer.Verify(t.Context(), one.token, keys.TypeAccessToken, &struct{}{})
			require.ErrorIs(t, err, keys.ErrToken, "a key that is gone verifies nothing")
		}
	})
}

// TestRevokedKeysVerifyNothing at either of two services.
func TestRevokedKeysVerifyNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		other := h.replica()
		for _, algorithm := range keys.Algorithms() {
			c := h.web(signs(algorithm))
			tokens := h.tokens(c)
			access, hint := tokens.text("access_token"), tokens.text("id_token")
			require.True(t, other.active(c, access))
			header, _ := h.read(access)
			require.NoError(t, h.service.signer.Revoke(t.Context(), header.KeyID))
			h.clock.Advance(time.Minute) // by when the other service knows
			for _, s := range []*harness{h, other} {
				assert.False(t, s.active(c, access))
				assert.Equal(t, http.StatusUnauthorized, s.userinfo(access).status)
				assert.NotContains(t, s.get("/oauth2/jwks").body, header.KeyID)
				q := redirected(t, s.authorize(form(c, "id_token_hint", hint, "prompt", "none"), s.login()))
				assert.Equal(t, "invalid_request", q.Get("error"))
				again := s.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}))
				assert.True(t, h.active(c, again.text("access_token")), "another key signs")
			}
		}
		require.ErrorIs(t, h.service.signer.Revoke(t.Context(), "unknown"), keys.ErrUnknownKey)
	})
}

// TestKeysThatCannotBeReadRefuseNothing: a token with a key that nobody knows yet
// is not called bad while the database is away.
func TestKeysThatCannotBeReadRefuseNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		other, c := h.replica(), h.web(signs("ES256"))
		require.NoError(t, other.service.signer.Set("ES256").Rotate(t.Context()))
		access := other.tokens(c).text("access_token")
		_, err := h.db.Exec(t.Context(), "ALTER TABLE signing_keys RENAME TO away")
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+access)
		a := h.do(r)
		assert.GreaterOrEqual(t, a.status, http.StatusInternalServerError, a.body)
		assert.GreaterOrEqual(t, h.introspect(c, access).status, http.StatusInternalServerError)
		assert.True(t, other.active(c, access), "who knows the key goes on")
		_, err = h.db.Exec(t.Context(), "ALTER TABLE away RENAME TO signing_keys")
		require.NoError(t, err)
		assert.True(t, h.active(c, access))
	})
}
