package dpop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const public = "https://id.example"

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

func proof(tb testing.TB, alg jose.SignatureAlgorithm, key any, header map[string]any, claims map[string]any) string {
	tb.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	require.NoError(tb, err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(tb, err)
	return text
}

func TestProofs(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	v := &Verifier{Origin: public, Clock: clock}
	key, now := newKey(t), clock.Now().Unix()
	type change = map[string]any
	sum := sha256.Sum256([]byte("token"))
	ath := base64.RawURLEncoding.EncodeToString(sum[:])
	tests := map[string]struct {
		claims change
		token  string
		good   bool
	}{
		"good":                      {nil, "", true},
		"a default port":            {change{"htu": "https://ID.example:443/oauth2/token"}, "", true},
		"query and fragment":        {change{"htu": public + "/oauth2/token?a=b#c"}, "", true},
		"a fast clock":              {change{"iat": now + 29}, "", true},
		"a slow clock":              {change{"iat": now - 59}, "", true},
		"for the access token":      {change{"ath": ath}, "token", true},
		"more claims":               {change{"nonce": "n", "x": 1}, "", true},
		"an ath without a token":    {change{"ath": ath}, "", true},
		"of the future":             {change{"iat": now + 31}, "", false},
		"old":                       {change{"iat": now - 61}, "", false},
		"without iat":               {change{"iat": nil}, "", false},
		"an iat out of bounds":      {change{"iat": 1e300}, "", false},
		"an iat that is text":       {change{"iat": "now"}, "", false},
		"without jti":               {change{"jti": nil}, "", false},
		"a jti that is no text":     {change{"jti": 7}, "", false},
		"an oversized jti":          {change{"jti": strings.Repeat("j", 257)}, "", false},
		"another method":            {change{"htm": "GET"}, "", false},
		"the method in lower case":  {change{"htm": "post"}, "", false},
		"without a method":          {change{"htm": nil}, "", false},
		"another path":              {change{"htu": public + "/oauth2/userinfo"}, "", false},
		"another host":              {change{"htu": "https://other.example/oauth2/token"}, "", false},
		"another scheme":            {change{"htu": "http://id.example/oauth2/token"}, "", false},
		"another port":              {change{"htu": public + ":444/oauth2/token"}, "", false},
		"a path in another case":    {change{"htu": public + "/OAUTH2/token"}, "", false},
		"a user":                    {change{"htu": "https://u@id.example/oauth2/token"}, "", false},
		"a relative address":        {change{"htu": "/oauth2/token"}, "", false},
		"without an address":        {change{"htu": nil}, "", false},
		"for another access token":  {change{"ath": ath}, "other", false},
		"for no access token":       {nil, "token", false},
		"claims in another case":    {change{"jti": nil, "JTI": "j"}, "", false},
		"an address that is broken": {change{"htu": "https://id.example/%zz"}, "", false},
	}
	for name, test := range tests {
		claims := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": public + "/oauth2/token", "iat": now}
		for claim, value := range test.claims {
			if claims[claim] = value; value == nil {
				delete(claims, claim)
			}
		}
		r := httptest.NewRequest(http.MethodPost, "/oauth2/token", http.NoBody)
		r.Header.Set("DPoP", proof(t, jose.ES256, key, header(key), claims))
		p, err := v.Verify(r, test.token)
		if !test.good {
			require.ErrorIs(t, err, ErrProof, name)
			continue
		}
		require.NoError(t, err, name)
		sum, err := (&jose.JSONWebKey{Key: &key.PublicKey}).Thumbprint(5) // SHA-256
		require.NoError(t, err)
		assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum), p.Thumbprint, name)
		assert.Equal(t, claims["jti"], p.ID.Value, name)
		assert.True(t, p.ID.Expires.After(time.Unix(now, 0).Add(time.Second)), name)
	}
}

func header(key *ecdsa.PrivateKey) map[string]any {
	return map[string]any{"typ": "dpop+jwt", "jwk": &jose.JSONWebKey{Key: &key.PublicKey}}
}

func TestHeadersOfProofs(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	v := &Verifier{Origin: public, Clock: clock}
	key, other := newKey(t), newKey(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	claims := map[string]any{"jti": "j", "htm": "POST", "htu": public + "/oauth2/token", "iat": clock.Now().Unix()}
	with := func(name string, value any) map[string]any {
		h := header(key)
		h[name] = value
		return h
	}
	good := proof(t, jose.ES256, key, header(key), claims)
	parts := strings.Split(good, ".")
	raw := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "." + parts[2]
	}
	for name, text := range map[string]string{
		"no type":                      proof(t, jose.ES256, key, map[string]any{"jwk": &jose.JSONWebKey{Key: &key.PublicKey}}, claims),
		"another type":                 proof(t, jose.ES256, key, with("typ", "JWT"), claims),
		"an extension":                 proof(t, jose.ES256, key, with("crit", []string{"x"}), claims),
		"no key":                       proof(t, jose.ES256, key, map[string]any{"typ": "dpop+jwt"}, claims),
		"another key":                  proof(t, jose.ES256, key, with("jwk", &jose.JSONWebKey{Key: &other.PublicKey}), claims),
		"the private key":              proof(t, jose.ES256, key, with("jwk", &jose.JSONWebKey{Key: key}), claims),
		"a secret":                     proof(t, jose.HS256, []byte("a secret of thirty-two characters"), with("jwk", &jose.JSONWebKey{Key: []byte("a secret of thirty-two characters")}), claims),
		"a weak key":                   proof(t, jose.RS256, weak, with("jwk", &jose.JSONWebKey{Key: &weak.PublicKey}), claims),
		"not signed":                   raw(`{"typ":"dpop+jwt","alg":"none"}`),
		"another header":               raw(`{"typ":"dpop+jwt","alg":"ES256"}`),
		"not a token":                  "x",
		"oversized":                    good + strings.Repeat("A", 17<<10),
		"empty":                        "",
		"not UTF-8":                    "\xff.\xff.\xff",
		"two, with a comma":            good + ", " + good,
		"a signature of another token": parts[0] + "." + parts[1] + "." + strings.Split(proof(t, jose.ES256, key, header(key), map[string]any{}), ".")[2],
	} {
		r := httptest.NewRequest(http.MethodPost, "/oauth2/token", http.NoBody)
		r.Header.Set("DPoP", text)
		_, err := v.Verify(r, "")
		require.ErrorIs(t, err, ErrProof, name)
	}
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", http.NoBody)
	r.Header["Dpop"] = []string{good, good}
	_, err = v.Verify(r, "")
	require.ErrorIs(t, err, ErrProof, "two")
	r.Header["Dpop"] = []string{good}
	_, err = v.Verify(r, "")
	require.NoError(t, err)
	r.Header.Del("DPoP")
	p, err := v.Verify(r, "")
	require.NoError(t, err)
	assert.Nil(t, p)
}
