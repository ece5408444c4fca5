package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	bearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	cluster     = "https://kubernetes.default.svc.cluster.local"
	workload    = "system:serviceaccount:shop:reports"
)

// voucher is somebody whom an operator trusts to vouch for others.
type voucher struct {
	tb  testing.TB
	key *ecdsa.PrivateKey
}

func newVoucher(tb testing.TB) *voucher {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return &voucher{tb, key}
}

func (v *voucher) jwks() json.RawMessage {
	v.tb.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: v.key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	require.NoError(v.tb, err)
	return text
}

func (v *voucher) sign(claims map[string]any, header ...string) string {
	v.tb.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", "one")
	for i := 0; i+1 < len(header); i += 2 {
		options = options.WithHeader(jose.HeaderKey(header[i]), header[i+1])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: v.key}, options)
	require.NoError(v.tb, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(v.tb, err)
	return token
}

// trusting is a client for which v vouches, and of which users can be.
func (h *harness) trusting(v *voucher, change ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	return h.web(append([]func(*oauth.CreateClientRequest){func(r *oauth.CreateClientRequest) {
		r.RedirectURIs, r.GrantTypes, r.Resources = nil, []string{bearerGrant}, []string{ordersAPI}
		r.Scopes = []string{"openid", "email", testScope}
		r.TrustedIssuers = []oauth.TrustedIssuer{{Issuer: cluster, JWKS: v.jwks(), Subjects: []string{workload}, Users: true}}
	}}, change...)...)
}

// vouched are what the cluster says of the workload.
func (h *harness) vouched(change ...any) map[string]any {
	now := h.clock.Now().Unix()
	c := map[string]any{
		"iss": cluster, "sub": workload, "aud": []string{testOrigin}, "iat": now, "nbf": now, "exp": now + 3600,
		"kubernetes.io": map[string]any{"namespace": "shop"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		name, _ := change[i].(string)
		if c[name] = change[i+1]; change[i+1] == nil {
			delete(c, name)
		}
	}
	return c
}

func assertionForm(assertion string, change ...string) url.Values {
	return set(url.Values{"grant_type": {bearerGrant}, "assertion": {assertion}}, change...)
}

func (h *harness) bear(c oauth.CreatedClient, assertion string, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", assertionForm(assertion, change...)))
}

func TestWorkloadGetsTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		v := newVoucher(t)
		c := h.trusting(v)
		assertion := v.sign(h.vouched("jti", "projected", "aud", []string{testOrigin, "https://vault.example"}))
		for range 2 { // the pod has the same token until the cluster renews it
			a := h.bear(c, assertion, "scope", testScope, "resource", ordersAPI)
			require.Equal(t, http.StatusOK, a.status, a.body)
			assert.Equal(t, testScope, a.text("scope"))
			assert.NotContains(t, a.json, "refresh_token")
			seen := h.introspect(c, a.text("access_token"))
			assert.Equal(t, c.Client.ID, seen.text("client_id"))
			assert.NotEqual(t, workload, seen.text("sub"))
			// Trap 13: fosite copies the assertion's audience into the token.
			assert.Equal(t, []any{ordersAPI}, seen.json["aud"])
			assert.NotContains(t, seen.body, "vault")
		}
		a := h.bear(c, assertion)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.NotContains(t, h.introspect(c, a.text("access_token")).json, "aud")
		assert.Equal(t, http.StatusForbidden, h.userinfo(a.text("access_token")).status, "nobody's")
		requireError(t, h.bear(c, assertion, "scope", "openid"), http.StatusBadRequest, "invalid_scope")
		var n int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM grants) + (SELECT COUNT(*) FROM spent_ids)").Scan(&n))
		assert.Zero(t, n, "nothing is stored")

		public := h.trusting(v, func(r *oauth.CreateClientRequest) { r.AuthMethod, r.FirstParty = "none", false })
		assert.Equal(t, http.StatusOK, h.bear(public, assertion).status, "the assertion is the proof")
	})
}

func TestAssertionsAboutUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		v := newVoucher(t)
		c := h.trusting(v)
		about := func(user string, change ...any) string {
			return v.sign(h.vouched(append([]any{"sub", user, "jti", "once"}, change...)...))
		}
		assertion := about(alice, "aud", testOrigin+"/oauth2/token")
		requireError(t, h.bear(c, assertion, "scope", "openid offline_access"), http.StatusBadRequest, "invalid_scope")
		requireError(t, h.bear(c, assertion, "resource", billingAPI), http.StatusBadRequest, "invalid_target")
		a := h.bear(c, assertion, "scope", "openid email", "resource", ordersAPI)
		require.Equal(t, http.StatusOK, a.status, "what failed has spent nothing: %s", a.body)
		assert.NotContains(t, a.json, "refresh_token")
		assert.NotContains(t, a.json, "id_token")
		assert.Equal(t, alice, h.userinfo(a.text("access_token")).text("sub"))
		seen := h.introspect(c, a.text("access_token"))
		assert.Equal(t, alice, seen.text("sub"))
		assert.NotContains(t, seen.json, "auth_time", "nobody has logged in")

		requireError(t, h.bear(c, assertion), http.StatusBadRequest, "invalid_grant")
		requireError(t, h.bear(c, about(bob)), http.StatusBadRequest, "invalid_grant") // the jti, not the text
		other := h.trusting(v)
		require.Equal(t, http.StatusOK, h.bear(other, assertion).status, "another client has its own")

		revoked := h.do(as(c, "/oauth2/revoke", url.Values{"token": {a.text("access_token")}}))
		require.Equal(t, http.StatusOK, revoked.status)
		assert.False(t, h.active(c, a.text("access_token")))

		for name, bad := range map[string]string{
			"no jti": about(alice, "jti", nil), "empty jti": about(alice, "jti", ""), "long jti": about(alice, "jti", strings.Repeat("j", 257)),
			"nobody": about(strings.Repeat("0", 40), "jti", "x"), "a number": about("1", "jti", "x"), "wrong case": about(strings.ToUpper(alice), "jti", "x"),
			"an address": about("alice@example.org", "jti", "x"),
		} {
			a := h.bear(c, bad)
			assert.Equal(t, "invalid_grant", a.text("error"), "%s: %s", name, a.body)
		}
		h.accounts.disable(bob)
		requireError(t, h.bear(c, about(bob, "jti", "y")), http.StatusBadRequest, "invalid_grant")
		h.accounts.fail(fault.New(fault.Unavailable, ""))
		requireError(t, h.bear(c, about(alice, "jti", "z")), http.StatusServiceUnavailable, "temporarily_unavailable")
	})
}

func TestAnAssertionAboutAUserAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		v := newVoucher(t)
		c := h.trusting(v)
		assertion := v.sign(h.vouched("sub", alice, "jti", "once"))
		won := 0
		for _, a := range together(6, func() answer { return h.bear(c, assertion, "scope", "email") }) {
			if a.status == http.StatusOK {
				won++
				continue
			}
			requireError(t, a, http.StatusBadRequest, "invalid_grant")
		}
		assert.Equal(t, 1, won)
		var n int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM grants").Scan(&n))
		assert.Equal(t, 1, n)
	})
}

func TestAssertionOfAHubsClient(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		v := newVoucher(t)
		c := h.trusting(v)
		_, err := h.db.Exec(t.Context(), "UPDATE clients SET hub = 7 WHERE id = $1", c.Client.ID)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, h.bear(c, v.sign(h.vouched("sub", alice, "jti", "1"))).status)
		requireError(t, h.bear(c, v.sign(h.vouched("sub", bob, "jti", "2"))), http.StatusBadRequest, "invalid_grant")
	})
}

func TestAssertionsAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		v, stranger := newVoucher(t), newVoucher(t)
		c := h.trusting(v, func(r *oauth.CreateClientRequest) { r.TrustedIssuers[0].Users = false })
		now := h.clock.Now().Unix()
		symmetric, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, nil)
		require.NoError(t, err)
		hmac, err := jwt.Signed(symmetric).Claims(h.vouched()).Serialize()
		require.NoError(t, err)
		good := v.sign(h.vouched())
		parts := strings.Split(good, ".")
		tests := map[string]string{
			"missing": "", "nonsense": "x", "none": "eyJhbGciOiJub25lIn0." + parts[1] + ".", "symmetric": hmac,
			"not UTF-8": good + "\xff", "huge": strings.Repeat("x", 50<<10), "changed": flip(good),
			"of a stranger": stranger.sign(h.vouched()), "of another type": v.sign(h.vouched(), "typ", "at+jwt"),
			"critical": v.sign(h.vouched(), "crit", "x"), "unknown key": v.sign(h.vouched(), "kid", "two"),
			"unsigned": parts[0] + "." + parts[1] + ".",
		}
		for name, claims := range map[string]map[string]any{
			"iss missing": {"iss": nil}, "iss other": {"iss": cluster + "/"}, "iss wrong case": {"iss": strings.ToUpper(cluster)},
			"iss a list":  {"iss": []string{cluster}},
			"sub missing": {"sub": nil}, "sub empty": {"sub": ""}, "sub other": {"sub": workload + "2"}, "sub a user": {"sub": alice, "jti": "x"},
			"sub wrong case": {"sub": strings.ToUpper(workload)},
			"aud missing":    {"aud": nil}, "aud other": {"aud": "https://vault.example"}, "aud client": {"aud": c.Client.ID},
			"aud longer": {"aud": testOrigin + "/"}, "aud endpoint": {"aud": testOrigin + "/oauth2/introspect"}, "aud a number": {"aud": 1},
			"exp missing": {"exp": nil}, "exp over": {"exp": now - 30}, "exp far": {"exp": now + 3600 + 31}, "exp text": {"exp": "soon"},
			"exp absurd": {"exp": 1e300}, "nbf ahead": {"nbf": now + 31}, "iat ahead": {"iat": now + 31},
		} {
			all := h.vouched()
			maps.Copy(all, claims)
			maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
			tests[name] = v.sign(all)
		}
		for name, assertion := range tests {
			a := h.bear(c, assertion)
			want := "invalid_grant"
			if name == "missing" || name == "not UTF-8" {
				want = "invalid_request"
			}
			assert.Equal(t, want, a.text("error"), "%s: %s", name, a.body)
		}
		for name, claims := range map[string][]any{
			"exp just over": {"exp", now - 29}, "exp just far": {"exp", now + 3600 + 30}, "nbf just ahead": {"nbf", now + 30}, "iat just ahead": {"iat", now + 30},
		} {
			a := h.bear(c, v.sign(h.vouched(claims...)))
			assert.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.body)
		}
		f := assertionForm(good)
		f.Add("assertion", good)
		requireError(t, h.do(as(c, "/oauth2/token", f)), http.StatusBadRequest, "invalid_request")
		requireError(t, h.bear(h.web(), good), http.StatusBadRequest, "unauthorized_client")
		requireError(t, h.bear(h.trusting(stranger), good), http.StatusBadRequest, "invalid_grant")
		wrong := c
		wrong.Secret += "x"
		requireError(t, h.bear(wrong, good), http.StatusUnauthorized, "invalid_client")
		h.clock.Advance(time.Hour + 30*time.Second)
		requireError(t, h.bear(c, good), http.StatusBadRequest, "invalid_grant")
		assert.NotContains(t, h.log.String(), parts[2], "no assertion is logged")
	})
}
