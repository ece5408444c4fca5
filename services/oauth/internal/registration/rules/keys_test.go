package rules

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

func set(t *testing.T, keys ...any) json.RawMessage {
	t.Helper()
	var s jose.JSONWebKeySet
	for _, key := range keys {
		s.Keys = append(s.Keys, jose.JSONWebKey{Key: key})
	}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return text
}

// rsaOf is a public key of that many bits, as far as anybody can tell.
func rsaOf(bits uint, e int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: e}
}

func TestKeySets(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	ed, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	many := make([]any, maxKeys+1)
	for i := range many {
		many[i] = ed
	}
	tests := map[string]struct {
		jwks json.RawMessage
		text string // of the rule that it breaks
	}{
		"EC":                {set(t, ec.Public()), ""},
		"Ed25519":           {set(t, ed), ""},
		"RSA":               {set(t, rsaOf(2048, 65537), rsaOf(4096, 3)), ""},
		"short RSA":         {set(t, rsaOf(2047, 65537)), "client_key_size"},
		"huge RSA":          {set(t, rsaOf(4097, 65537)), "client_key"},
		"RSA of e = 1":      {set(t, rsaOf(2048, 1)), "client_key"},
		"private EC":        {set(t, ec), "client_key_secret"},
		"private Ed25519":   {set(t, edPrivate), "client_key_secret"},
		"symmetric":         {set(t, []byte("0123456789abcdef")), "client_key_secret"},
		"second private":    {set(t, ec.Public(), ec), "client_key_secret"},
		"unknown type":      {json.RawMessage(`{"keys":[{"kty":"X"}]}`), "client_key"},
		"off the curve":     {json.RawMessage(`{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}`), "client_key"},
		"no object":         {json.RawMessage(`{"keys":["x"]}`), "client_key"},
		"null key":          {json.RawMessage(`{"keys":[null]}`), "client_key"},
		"another curve":     {set(t, p384.Public()), "client_keys_unfit"},
		"for nothing we do": {json.RawMessage(strings.Replace(string(set(t, ed)), `{"kty"`, `{"use":"enc","kty"`, 1)), "client_keys_unfit"},
		"one of them fits":  {set(t, p384.Public(), ed), ""},
		"many":              {set(t, many...), "client_keys_many"},
		"large":             {json.RawMessage(`{"keys":[{"kty":"X"}],"x":"` + strings.Repeat("x", maxKeySet) + `"}`), "client_keys_many"},
		"none":              {json.RawMessage(`{"keys":[]}`), "client_keys"},
		"no set":            {json.RawMessage(`{}`), "client_keys"},
		"text":              {json.RawMessage(`"x"`), "client_keys"},
		"no JSON":           {json.RawMessage(`x`), "client_keys"},
	}
	for name, test := range tests {
		c := web()
		c.JWKS, c.AuthMethod = test.jwks, "private_key_jwt"
		c.TrustedIssuers = []oauth.TrustedIssuer{{Issuer: "https://a.example", JWKS: test.jwks, Users: true}}
		v := rulesOf(nil).Check(&c)
		if test.text == "" {
			assert.Empty(t, v, name)
			continue
		}
		for _, field := range []string{"jwks", "trusted_issuers"} {
			if assert.NotEmpty(t, v[field], name) {
				assert.Equal(t, "validation."+test.text, v[field][0].ID, "%s: %s", name, field)
			}
		}
	}
	c := web()
	c.JWKS, c.JWKSURI = set(t, ed), "https://a.example/jwks"
	assert.Contains(t, rulesOf(nil).Check(&c), "jwks", "one of both")
}
