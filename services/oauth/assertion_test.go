package oauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
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
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

func ecKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

// sign makes a JWT; header are further members of its header, by pairs.
func sign(tb testing.TB, alg jose.SignatureAlgorithm, key any, claims map[string]any, header ...any) string {
	tb.Helper()
	options := &jose.SignerOptions{}
	for i := 0; i+1 < len(header); i += 2 {
		name, _ := header[i].(string)
		options.WithHeader(jose.HeaderKey(name), header[i+1])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	require.NoError(tb, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(tb, err)
	return text
}

// jwks is a key set, of public keys by their id.
func jwks(tb testing.TB, keys map[string]any) json.RawMessage {
	tb.Helper()
	var set jose.JSONWebKeySet
	for id, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: id})
	}
	text, err := json.Marshal(set)
	require.NoError(tb, err)
	return text
}

// changed is a client with what registration may not give it in this test.
func (h *harness) changed(change func(*client.Client), options ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	created := h.web(options...)
	found, err := h.service.clients.GetClient(h.t.Context(), created.Client.ID)
	require.NoError(h.t, err)
	c := client.Of(found)
	change(c)
	_, err = h.db.Exec(h.t.Context(), "DELETE FROM clients WHERE id = $1", c.ID)
	require.NoError(h.t, err)
	require.NoError(h.t, h.service.clients.Insert(h.t.Context(), h.db, c))
	return oauth.CreatedClient{Client: c.Client, Secret: created.Secret}
}

// keyed is a client that signs with the key.
func (h *harness) keyed(key *ecdsa.PrivateKey) oauth.CreatedClient {
	h.t.Helper()
	return h.changed(func(c *client.Client) {
		c.AuthMethod, c.SecretHash, c.JWKS = client.AuthJWT, nil, jwks(h.t, map[string]any{"k": &key.PublicKey})
	})
}

// asserting are the claims of a good assertion of the client, with changes by pairs; nil
// takes one out.
func (h *harness) asserting(c oauth.CreatedClient, change ...any) map[string]any {
	now := h.clock.Now()
	m := map[string]any{
		"iss": c.Client.ID, "sub": c.Client.ID, "aud": h.issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for i := 0; i+1 < len(change); i += 2 {
		name, _ := change[i].(string)
		m[name] = change[i+1]
		if change[i+1] == nil {
			delete(m, name)
		}
	}
	return m
}

func asserted(f url.Values, assertion string) url.Values {
	return set(f, "client_assertion", assertion, "client_assertion_type", client.AssertionType)
}

func ownToken() url.Values { return url.Values{"grant_type": {"client_credentials"}} }

func TestClientAssertions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c := h.keyed(key)
		at := func(d time.Duration) int64 { return h.clock.Now().Add(d).Unix() }
		tests := map[string]struct {
			change []any
			good   bool
		}{
			"good":                       {nil, true},
			"the token endpoint":         {[]any{"aud", h.issuer + "/oauth2/token"}, true},
			"an array of one":            {[]any{"aud", []string{h.issuer}}, true},
			"an array of two of ours":    {[]any{"aud", []string{h.issuer, h.issuer + "/oauth2/token"}}, true},
			"without iat":                {[]any{"iat", nil}, true},
			"as long as may be":          {[]any{"exp", at(time.Hour)}, true},
			"a fast clock":               {[]any{"iat", at(25 * time.Second), "nbf", at(25 * time.Second)}, true},
			"a slow clock":               {[]any{"exp", at(-25 * time.Second)}, true},
			"for somebody else":          {[]any{"aud", "https://other.example"}, false},
			"for somebody else, too":     {[]any{"aud", []string{h.issuer, "https://other.example"}}, false},
			"for nobody":                 {[]any{"aud", nil}, false},
			"for an empty list":          {[]any{"aud", []string{}}, false},
			"an array of no strings":     {[]any{"aud", []any{h.issuer, 7}}, false},
			"another endpoint":           {[]any{"aud", h.issuer + "/oauth2/introspect"}, false},
			"the issuer with a slash":    {[]any{"aud", h.issuer + "/"}, false},
			"by somebody else":           {[]any{"iss", "https://issuer.example"}, false},
			"about somebody else":        {[]any{"sub", "other"}, false},
			"about nobody":               {[]any{"sub", nil, "iss", nil}, false},
			"about NUL":                  {[]any{"sub", "a\x00", "iss", "a\x00"}, false},
			"expired":                    {[]any{"exp", at(-31 * time.Second)}, false},
			"without exp":                {[]any{"exp", nil}, false},
			"exp is no number":           {[]any{"exp", "tomorrow"}, false},
			"exp out of bounds":          {[]any{"exp", 1e300}, false},
			"too long":                   {[]any{"exp", at(time.Hour + 31*time.Second)}, false},
			"not yet":                    {[]any{"nbf", at(31 * time.Second)}, false},
			"issued in the future":       {[]any{"iat", at(31 * time.Second)}, false},
			"without jti":                {[]any{"jti", nil}, false},
			"an empty jti":               {[]any{"jti", ""}, false},
			"an oversized jti":           {[]any{"jti", strings.Repeat("j", 257)}, false},
			"claims in another case":     {[]any{"iss", nil, "ISS", c.Client.ID}, false},
			"an assertion of all sizes ": {[]any{"x", strings.Repeat("x", 17<<10)}, false},
		}
		for name, test := range tests {
			a := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, jose.ES256, key, h.asserting(c, test.change...)))))
			if test.good {
				assert.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.body)
				continue
			}
			assert.Equal(t, http.StatusUnauthorized, a.status, name)
			assert.Equal(t, "invalid_client", a.text("error"), name)
		}
	})
}

// Whatever the header of an assertion says, only the client's own keys count,
// each for its own kind of signature.
func TestAlgorithmsAreNotConfused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		_, edwards, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(t, err)
		curve, stranger := ecKey(t), ecKey(t)
		public := &rsaKey().PublicKey
		pinned := jose.JSONWebKey{Key: public, KeyID: "pinned", Algorithm: "RS256"}
		encrypts := jose.JSONWebKey{Key: &curve.PublicKey, KeyID: "enc", Use: "enc"}
		text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: public, KeyID: "rsa"}, {Key: &curve.PublicKey, KeyID: "ec"}, {Key: edwards.Public(), KeyID: "ed"},
			pinned, encrypts, {Key: []byte("a secret of thirty-two characters"), KeyID: "oct"},
		}})
		require.NoError(t, err)
		c := h.changed(func(c *client.Client) { c.AuthMethod, c.JWKS = client.AuthJWT, text })
		der, err := x509.MarshalPKIXPublicKey(public)
		require.NoError(t, err)
		keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		kid := func(id string) jose.JSONWebKey { return jose.JSONWebKey{Key: nil, KeyID: id} }
		with := func(key any, id string) any { k := kid(id); k.Key = key; return k }
		tests := map[string]struct {
			alg  jose.SignatureAlgorithm
			key  any
			good bool
		}{
			"RS256":                         {jose.RS256, with(rsaKey(), "rsa"), true},
			"PS256":                         {jose.PS256, with(rsaKey(), "rsa"), true},
			"ES256":                         {jose.ES256, with(curve, "ec"), true},
			"EdDSA":                         {jose.EdDSA, with(edwards, "ed"), true},
			"without kid":                   {jose.ES256, curve, true},
			"a key for one algorithm":       {jose.RS256, with(rsaKey(), "pinned"), true},
			"and for no other":              {jose.PS256, with(rsaKey(), "pinned"), false},
			"RS384":                         {jose.RS384, with(rsaKey(), "rsa"), false},
			"HS256 with the public key":     {jose.HS256, keyPEM, false},
			"HS256 with the DER":            {jose.HS256, with(der, "rsa"), false},
			"HS256 with a published secret": {jose.HS256, with([]byte("a secret of thirty-two characters"), "oct"), false},
			"a stranger's key":              {jose.ES256, stranger, false},
			"a stranger's, a known id":      {jose.ES256, with(stranger, "ec"), false},
			"another key's id":              {jose.ES256, with(curve, "rsa"), false},
			"an unknown id":                 {jose.ES256, with(curve, "unknown"), false},
			"a path for an id":              {jose.ES256, with(curve, "../../../../dev/null"), false},
			"SQL for an id":                 {jose.ES256, with(curve, "' OR 1=1 --"), false},
			"an oversized id":               {jose.ES256, with(curve, strings.Repeat("k", 20<<10)), false},
			"a key for encryption":          {jose.ES256, with(curve, "enc"), false},
		}
		for name, test := range tests {
			a := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, test.alg, test.key, h.asserting(c)))))
			assert.Equal(t, test.good, a.status == http.StatusOK, "%s: %s", name, a.body)
		}
		none := "eyJhbGciOiJub25lIn0." + strings.Split(sign(t, jose.ES256, curve, h.asserting(c)), ".")[1] + "."
		requireError(t, h.do(post("/oauth2/token", asserted(ownToken(), none))), http.StatusUnauthorized, "invalid_client")

		for name, header := range map[string][]any{
			"a proof":             {"typ", "dpop+jwt"},
			"an access token":     {"typ", "at+jwt"},
			"a type of no string": {"typ", 7},
			"an extension":        {"crit", []string{"exp"}},
			"its own key":         {"jwk", &jose.JSONWebKey{Key: &stranger.PublicKey}},
		} {
			key := map[bool]any{true: stranger, false: curve}[name == "its own key"]
			a := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, jose.ES256, key, h.asserting(c), header...))))
			assert.Equal(t, http.StatusUnauthorized, a.status, "%s: %s", name, a.body)
		}
		typed := sign(t, jose.ES256, curve, h.asserting(c), "typ", "client-authentication+jwt")
		assert.Equal(t, http.StatusOK, h.do(post("/oauth2/token", asserted(ownToken(), typed))).status)
	})
}

func TestTheRegisteredAlgorithmIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.changed(func(c *client.Client) {
			c.AuthMethod, c.AuthAlg, c.JWKS = client.AuthJWT, "PS256", jwks(t, map[string]any{"k": &rsaKey().PublicKey})
		})
		for alg, status := range map[jose.SignatureAlgorithm]int{jose.PS256: http.StatusOK, jose.RS256: http.StatusUnauthorized} {
			a := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, alg, rsaKey(), h.asserting(c)))))
			assert.Equal(t, status, a.status, a.body)
		}
	})
}

// A client says who it is in one way, and it is the way it is registered with.
func TestAssertionsAndOtherWays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		key := ecKey(t)
		c, other := h.keyed(key), h.web()
		good := func() string { return sign(t, jose.ES256, key, h.asserting(c)) }
		tests := map[string]struct {
			change []string
			status int
			code   string
		}{
			"its id beside it":          {[]string{"client_id", c.Client.ID}, http.StatusOK, ""},
			"another id beside it":      {[]string{"client_id", other.Client.ID}, http.StatusBadRequest, "invalid_request"},
			"a secret beside it":        {[]string{"client_secret", "s"}, http.StatusBadRequest, "invalid_request"},
			"no type":                   {[]string{"client_assertion_type", ""}, http.StatusUnauthorized, "invalid_client"},
			"another type":              {[]string{"client_assertion_type", client.AssertionType + "x"}, http.StatusUnauthorized, "invalid_client"},
			"the type in another case":  {[]string{"client_assertion_type", strings.ToUpper(client.AssertionType)}, http.StatusUnauthorized, "invalid_client"},
			"the type alone":            {[]string{"client_assertion", ""}, http.StatusUnauthorized, "invalid_client"},
			"no assertion at all":       {[]string{"client_assertion", "", "client_assertion_type", "", "client_id", c.Client.ID}, http.StatusUnauthorized, "invalid_client"},
			"not a token":               {[]string{"client_assertion", "a.b.c"}, http.StatusUnauthorized, "invalid_client"},
			"an unknown client":         {[]string{"client_assertion", sign(t, jose.ES256, key, h.asserting(c, "iss", "x", "sub", "x"))}, http.StatusUnauthorized, "invalid_client"},
			"a client with a secret":    {[]string{"client_assertion", sign(t, jose.ES256, key, h.asserting(other))}, http.StatusUnauthorized, "invalid_client"},
			"the token in the JSON way": {[]string{"client_assertion", `{"payload":"e30","signatures":[]}`}, http.StatusUnauthorized, "invalid_client"},
		}
		for name, test := range tests {
			a := h.do(post("/oauth2/token", set(asserted(ownToken(), good()), test.change...)))
			assert.Equal(t, test.status, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.code, a.text("error"), name)
		}
		both := post("/oauth2/token", asserted(ownToken(), good()))
		both.SetBasicAuth(c.Client.ID, "s")
		requireError(t, h.do(both), http.StatusBadRequest, "invalid_request")

		repeated := asserted(ownToken(), good())
		repeated.Add("client_assertion", good())
		requireError(t, h.do(post("/oauth2/token", repeated)), http.StatusBadRequest, "invalid_request")

		theirs := h.keyed(ecKey(t))
		requireError(t, h.do(post("/oauth2/token", asserted(ownToken(), sign(t, jose.ES256, key, h.asserting(theirs))))),
			http.StatusUnauthorized, "invalid_client")
	})
}

// To who has no key, a client that is not there looks like one that is.
func TestStrangersLearnNothingOfClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, key := h.keyed(ecKey(t)), ecKey(t)
		known := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, jose.ES256, key, h.asserting(c)))))
		bySecret := h.do(post("/oauth2/token", set(ownToken(), "client_id", c.Client.ID, "client_secret", "s")))
		unknownBySecret := h.do(post("/oauth2/token", set(ownToken(), "client_id", "x", "client_secret", "s")))
		assert.Equal(t, bySecret.body, unknownBySecret.body)
		assert.Equal(t, "invalid_client", known.text("error"))
		claims := maps.Clone(h.asserting(c))
		claims["iss"], claims["sub"] = "x", "x"
		unknown := h.do(post("/oauth2/token", asserted(ownToken(), sign(t, jose.ES256, key, claims))))
		assert.Equal(t, known.body, unknown.body)
		assert.Equal(t, known.status, unknown.status)
	})
}
