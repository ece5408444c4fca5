package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/config"
)

// rsaKey takes long to make, so all tests share it.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// relying is a client that signs its requests.
type relying struct {
	h *harness
	oauth.CreatedClient
	keys map[jose.SignatureAlgorithm]crypto.Signer
}

func (h *harness) relying(change ...func(*oauth.CreateClientRequest)) *relying {
	h.t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(h.t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(h.t, err)
	c := &relying{h, h.web(change...), map[jose.SignatureAlgorithm]crypto.Signer{
		jose.RS256: rsaKey(), jose.PS256: rsaKey(), jose.ES256: ec, jose.EdDSA: ed,
	}}
	set := jose.JSONWebKeySet{}
	for alg, key := range c.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: string(alg), Algorithm: string(alg), Use: "sig"})
	}
	text, err := json.Marshal(set)
	require.NoError(h.t, err)
	h.alter(c.CreatedClient, func(m *oauth.Client) { m.JWKS = text })
	return c
}

// claims are a good request object's: the parameters of the form and what makes
// it one.
func (c *relying) claims(f url.Values) map[string]any {
	now := c.h.clock.Now()
	claims := map[string]any{
		"iss": c.Client.ID, "aud": testOrigin, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": "1",
	}
	for name := range f {
		claims[name] = f.Get(name)
	}
	return claims
}

func (c *relying) sign(alg jose.SignatureAlgorithm, claims any, change ...func(*jose.SignerOptions)) string {
	c.h.t.Helper()
	options := (&jose.SignerOptions{}).WithType("oauth-authz-req+jwt").WithHeader("kid", string(alg))
	for _, f := range change {
		f(options)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: c.keys[alg]}, options)
	require.NoError(c.h.t, err)
	text, err := json.Marshal(claims)
	require.NoError(c.h.t, err)
	object, err := signer.Sign(text)
	require.NoError(c.h.t, err)
	compact, err := object.CompactSerialize()
	require.NoError(c.h.t, err)
	return compact
}

// brings is a request that consists of its object.
func (c *relying) brings(object string) url.Values {
	return url.Values{"client_id": {c.Client.ID}, "request": {object}}
}

func TestTrap3RequestObjects(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.relying()
		for alg := range c.keys {
			object := c.sign(alg, c.claims(form(c.CreatedClient, "response_mode", "form_post", "scope", "email")))
			a := h.authorize(c.brings(object), h.login())
			require.NotNil(t, a.Post, "%s, and without the scope openid: %+v %+v", alg, a, a.Problem)
			code := redirected(t, a).Get("code")
			tokens := h.redeem(c.CreatedClient, code)
			assert.Equal(t, "email", tokens.text("scope"), tokens.body)
		}

		// Numbers survive, and so does what is no text.
		claims := c.claims(form(c.CreatedClient))
		claims["max_age"] = 59
		claims["claims"] = map[string]any{"id_token": map[string]any{"acr": map[string]any{"value": acr1}}}
		h.alter(c.CreatedClient, func(m *oauth.Client) { m.Resources = []string{"urn:a", "urn:b"} })
		claims["resource"] = []string{"urn:a", "urn:b"}
		a := h.authorize(c.brings(c.sign(jose.ES256, claims)), h.login())
		require.NotNil(t, a.Login, "max_age counts")
		h.clock.Advance(time.Second)
		g := h.grantOf(redirected(t, h.resume(a.Login.ID, h.loginNow(), nil)).Get("code"))
		assert.Equal(t, []string{"urn:a", "urn:b"}, g.Details.Resources)
		assert.JSONEq(t, `{"id_token":{"acr":{"value":"`+acr1+`"}}}`, string(g.Details.Claims))
		claims["max_age"], claims["resource"] = 60, "urn:b"
		g = h.grantOf(redirected(t, h.authorize(c.brings(c.sign(jose.ES256, claims)), &oauth.Login{
			Subject: alice, Session: "s", AuthenticatedTime: h.clock.Now(),
		})).Get("code"))
		assert.Equal(t, []string{"urn:b"}, g.Details.Resources)

		// Only what is signed counts.
		outside := form(c.CreatedClient, "scope", "openid profile", "state", "forged", "nonce", "forged", "prompt", "login")
		outside.Set("request", c.sign(jose.ES256, c.claims(form(c.CreatedClient, "scope", "email", "nonce", ""))))
		q := redirected(t, h.authorize(outside, h.login()))
		assert.Equal(t, "af0ifjsldkj", q.Get("state"))
		g = h.grantOf(q.Get("code"))
		assert.Equal(t, []string{"email"}, g.Scopes)
		assert.Empty(t, g.Details.Nonce)

		uri := h.push(c.CreatedClient, url.Values{"request": {c.sign(jose.EdDSA, c.claims(form(c.CreatedClient, "scope", "email")))}, "scope": {"openid"}})
		assert.Equal(t, []string{"email"}, h.grantOf(redirected(t, h.authorize(opens(c.CreatedClient, uri), h.login())).Get("code")).Scopes)
	})
}

func TestTrap3RequestObjectsAreChecked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.relying(), h.relying()
		now := h.clock.Now()
		with := func(name string, value any) func(map[string]any) {
			return func(m map[string]any) {
				if m[name] = value; value == nil {
					delete(m, name)
				}
			}
		}
		tests := map[string]func(map[string]any){
			"iss missing":           with("iss", nil),
			"iss another":           with("iss", other.Client.ID),
			"sub is the client":     with("sub", c.Client.ID),
			"aud missing":           with("aud", nil),
			"aud another":           with("aud", "https://other.example"),
			"aud longer":            with("aud", testOrigin+"/"),
			"aud wrong case":        with("aud", strings.ToUpper(testOrigin)),
			"exp past":              with("exp", now.Add(-30*time.Second).Unix()),
			"exp far":               with("exp", now.Add(time.Hour+31*time.Second).Unix()),
			"exp text":              with("exp", "tomorrow"),
			"exp huge":              with("exp", 1e300),
			"nbf ahead":             with("nbf", now.Add(31*time.Second).Unix()),
			"iat ahead":             with("iat", now.Add(31*time.Second).Unix()),
			"client_id another":     with("client_id", other.Client.ID),
			"nested request":        with("request", "x.y.z"),
			"nested reference":      with("request_uri", "https://app.example/object"),
			"nested pushed":         with("request_uri", urn+"x"),
			"response_type differs": with("response_type", "code id_token"),
			"scope list":            with("scope", []string{"openid"}),
			"state object":          with("state", map[string]any{"a": 1}),
			"prompt bool":           with("prompt", true),
			"claims list":           with("claims", []string{}),
			"resource numbers":      with("resource", []int{1}),
			"NUL":                   with("state", "a\x00b"),
			"too large":             with("state", strings.Repeat("s", big)),
		}
		for name, change := range tests {
			claims := c.claims(form(c.CreatedClient))
			change(claims)
			f := c.brings(c.sign(jose.ES256, claims))
			set(f, "redirect_uri", callback, "state", "outside", "response_type", "code", "response_mode", "fragment")
			if name == "too large" {
				requireError(t, h.do(as(c.CreatedClient, "/oauth2/par", f)), http.StatusBadRequest, "invalid_request_object")
				continue
			}
			a := h.authorize(f, h.login())
			q := redirected(t, a)
			assert.Equal(t, "invalid_request_object", q.Get("error"), "%s: %v", name, q)
			assert.Equal(t, "outside", q.Get("state"), name)
			assert.True(t, strings.HasPrefix(a.Redirect, callback+"#"), name)
			for _, unproven := range []string{"", "https://evil.example/"} {
				requireProblem(t, h.authorize(set(maps.Clone(f), "redirect_uri", unproven), h.login()), "invalid_request_object")
			}
			requireError(t, h.do(as(c.CreatedClient, "/oauth2/par", f)), http.StatusBadRequest, "invalid_request_object")
		}
		good := c.claims(form(c.CreatedClient))
		for name, object := range map[string]string{
			"no JWT":         "x",
			"three parts":    "x.y.z",
			"none":           "eyJhbGciOiJub25lIn0." + strings.Split(c.sign(jose.ES256, good), ".")[1] + ".",
			"changed":        flip(c.sign(jose.ES256, good)),
			"another's key":  other.sign(jose.ES256, good),
			"a symmetric":    hmacOf(t, c.Secret, good),
			"type of tokens": c.sign(jose.ES256, good, func(o *jose.SignerOptions) { o.WithType("at+jwt") }),
			"unknown key":    c.sign(jose.ES256, good, func(o *jose.SignerOptions) { o.WithHeader("kid", "x") }),
			"critical":       c.sign(jose.ES256, good, func(o *jose.SignerOptions) { o.WithCritical("exp").WithHeader("exp", 1) }),
			"a list":         c.sign(jose.ES256, []string{"x"}),
			"own token":      h.tokens(c.CreatedClient).text("id_token"),
		} {
			a := h.authorize(c.brings(object), h.login())
			require.NotNil(t, a.Problem, name)
			assert.Equal(t, "invalid_request_object", a.Problem.Code, name)
		}
		for _, f := range []url.Values{
			{"client_id": {c.Client.ID}, "request": {"x.y.z", "x.y.z"}},
			{"client_id": {c.Client.ID, c.Client.ID}, "request": {c.sign(jose.ES256, good)}},
			{"request": {c.sign(jose.ES256, good)}},
		} {
			requireProblem(t, h.authorize(f, h.login()), "invalid_request")
		}
		requireProblem(t, h.authorize(set(c.brings("x.y.z"), "client_id", "nobody"), nil), "invalid_client")

		for _, fine := range []func(map[string]any){
			with("typ", "x"), with("client_id", nil), with("aud", []string{"https://other.example", testOrigin}), with("nbf", nil), with("iat", nil),
			with("exp", nil), with("exp", now.Add(-29*time.Second).Unix()), with("nbf", now.Add(30*time.Second).Unix()), with("max_age", 4000000), with("nonce", nil),
		} {
			claims := c.claims(form(c.CreatedClient))
			fine(claims)
			assert.NotEmpty(t, redirected(t, h.authorize(c.brings(c.sign(jose.ES256, claims)), h.login())).Get("code"))
		}
		requireProblem(t, h.authorize(c.brings(c.sign(jose.ES256, c.claims(form(c.CreatedClient, "redirect_uri", "https://evil.example/")))), h.login()), "invalid_request")
	})
}

func hmacOf(t *testing.T, secret string, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, nil)
	require.NoError(t, err)
	text, err := json.Marshal(claims)
	require.NoError(t, err)
	object, err := signer.Sign(text)
	require.NoError(t, err)
	compact, err := object.CompactSerialize()
	require.NoError(t, err)
	return compact
}

func TestSignedRequestsCanBeRequired(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.relying()
		unsigned := h.authorize(form(c.CreatedClient), nil).Login.ID
		signed := h.authorize(c.brings(c.sign(jose.ES256, c.claims(form(c.CreatedClient)))), nil).Login.ID
		h.alter(c.CreatedClient, func(m *oauth.Client) { m.RequireSignedRequest, m.RequestObjectAlg = true, "ES256" })
		h.clock.Advance(time.Second)
		assert.Equal(t, "invalid_request", redirected(t, h.authorize(form(c.CreatedClient), h.login())).Get("error"))
		assert.Equal(t, "invalid_request", redirected(t, h.resume(unsigned, h.loginNow(), nil)).Get("error"))
		assert.NotEmpty(t, redirected(t, h.resume(signed, h.loginNow(), nil)).Get("code"))
		requireError(t, h.do(as(c.CreatedClient, "/oauth2/par", form(c.CreatedClient))), http.StatusBadRequest, "invalid_request")
		for alg := range c.keys {
			object := c.sign(alg, c.claims(form(c.CreatedClient)))
			if a := h.authorize(c.brings(object), h.login()); alg == jose.ES256 {
				assert.NotEmpty(t, redirected(t, a).Get("code"))
			} else {
				requireProblem(t, a, "invalid_request_object")
			}
		}
		eternal := c.claims(form(c.CreatedClient))
		delete(eternal, "exp")
		requireProblem(t, h.authorize(c.brings(c.sign(jose.ES256, eternal)), h.login()), "invalid_request_object")
		h.alter(c.CreatedClient, func(m *oauth.Client) { m.RequirePAR = true })
		object := c.sign(jose.ES256, c.claims(form(c.CreatedClient)))
		assert.Equal(t, "invalid_request", redirected(t, h.authorize(c.brings(object), h.login())).Get("error"), "signed, but not pushed")
		uri := h.push(c.CreatedClient, url.Values{"request": {object}})
		assert.NotEmpty(t, redirected(t, h.authorize(opens(c.CreatedClient, uri), h.login())).Get("code"))
		keyless := h.web()
		requireProblem(t, h.authorize(url.Values{"client_id": {keyless.Client.ID}, "request": {object}}, nil), "invalid_request_object")
	})
}

func TestRequestObjectsByReference(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.FetchAllow = []config.Network{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
		h.restart()
		c := h.relying()
		var fetched atomic.Int32
		object := c.sign(jose.ES256, c.claims(form(c.CreatedClient)))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fetched.Add(1)
			switch r.URL.Path {
			case "/object":
				_, _ = w.Write([]byte(object + "\n"))
			case "/moved":
				http.Redirect(w, r, "/object", http.StatusFound)
			case "/large":
				_, _ = w.Write([]byte(object + strings.Repeat(" ", 200<<10)))
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		}))
		t.Cleanup(server.Close)
		at := func(path string) url.Values {
			return url.Values{"client_id": {c.Client.ID}, "request_uri": {server.URL + path}, "redirect_uri": {callback}, "state": {"s"}}
		}
		h.alter(c.CreatedClient, func(m *oauth.Client) {
			for _, path := range []string{"/object", "/object#1", "/moved", "/large", "/missing"} {
				m.RequestURIs = append(m.RequestURIs, server.URL+path)
			}
		})
		for _, path := range []string{"/object", "/object#1"} {
			before := fetched.Load()
			a := h.authorize(at(path), nil)
			require.NotNil(t, a.Login, "%+v", a)
			h.clock.Advance(time.Second)
			assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.loginNow(), nil)).Get("code"))
			assert.Equal(t, before+1, fetched.Load(), "once for a request, however often it is looked at")
		}
		before := fetched.Load()
		for _, path := range []string{"/object?x", "/OBJECT", "/object#2", "/other"} {
			assert.Equal(t, "invalid_request_uri", redirected(t, h.authorize(at(path), nil)).Get("error"), path)
		}
		assert.Equal(t, before, fetched.Load(), "what is not registered is not fetched")
		for _, path := range []string{"/moved", "/large", "/missing"} {
			q := redirected(t, h.authorize(at(path), nil))
			assert.Equal(t, "invalid_request_uri", q.Get("error"), path)
			assert.Equal(t, "s", q.Get("state"))
			requireProblem(t, h.authorize(set(at(path), "redirect_uri", ""), nil), "invalid_request_uri")
		}
		requireError(t, h.do(as(c.CreatedClient, "/oauth2/par", set(form(c.CreatedClient), "request_uri", server.URL+"/object"))),
			http.StatusBadRequest, "invalid_request")
	})
}
