package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

var now = time.UnixMicro(1710350555824085).UTC()

// fakeKeys signs with the first key and knows all of them.
type fakeKeys struct {
	keys []keyring.Key
	err  error
}

func (f fakeKeys) Signing(context.Context) (keyring.Key, error) { return f.keys[0], f.err }

func (f fakeKeys) Verifying(_ context.Context, kid string) (keyring.Key, error) {
	for _, k := range f.keys {
		if k.ID == kid {
			return k, f.err
		}
	}
	return keyring.Key{}, errors.Join(f.err, keyring.ErrUnknownKey)
}

func newKey(tb testing.TB, id string, alg keyring.Alg) keyring.Key {
	tb.Helper()
	k := keyring.Key{ID: id, Alg: alg}
	var err error
	switch alg {
	case keyring.HS512:
		secret := make([]byte, 64)
		_, err = rand.Read(secret)
		k.Private = secret
	case keyring.ES256:
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case keyring.EdDSA:
		_, k.Private, err = ed25519.GenerateKey(rand.Reader)
	case keyring.RS256:
		tb.Fatal("no session token is signed with RSA")
	}
	require.NoError(tb, err)
	return k
}

func newCodec(keys ...keyring.Key) *Codec {
	return &Codec{Keys: fakeKeys{keys: keys}, Issuer: "id.example.org", Audience: []string{"id.example.org"}, Leeway: time.Second}
}

func sign(tb testing.TB, c *Codec, claims Claims) string {
	tb.Helper()
	signer, err := c.Signer(tb.Context())
	require.NoError(tb, err)
	text, err := signer.Sign(claims)
	require.NoError(tb, err)
	return text
}

func someClaims() Claims {
	hub, pat := int64(1022), int64(9)
	return Claims{
		Subject: "c9985d6528dc7ad0d6faa2b99a545034c506347b", ID: "5c258312ca1d34da8e4979aa4649897e6254e869",
		UserAgent: "5ad9622bba99d68fb5e6728bf65124aaa3a3e311", PAT: &pat, Session: 54906, Hub: &hub, Scope: "*",
	}.Issue(now, 30*time.Minute)
}

func part(tb testing.TB, text string, i int) string {
	tb.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[i])
	require.NoError(tb, err)
	return string(raw)
}

func TestTokenIsWrittenAsDocumented(t *testing.T) {
	t.Parallel()
	for _, alg := range Algorithms() {
		c := newCodec(newKey(t, "key-1", alg))
		text := sign(t, c, someClaims())
		assert.JSONEq(t, `{"typ":"JWT","alg":"`+string(alg)+`","kid":"key-1"}`, part(t, text, 0))
		want := `{"iss":"id.example.org","aud":["id.example.org"],"sub":"c9985d6528dc7ad0d6faa2b99a545034c506347b",` +
			`"nbf":1710350555.824085,"iat":1710350555.824085,"exp":1710352355.824085,"ttl":30,` +
			`"jti":"5c258312ca1d34da8e4979aa4649897e6254e869","hsu":"5ad9622bba99d68fb5e6728bf65124aaa3a3e311",` +
			`"pat":9,"ses":54906,"hub":1022,"mfa":null,"scp":"*"}`
		assert.Equal(t, []byte(want), []byte(part(t, text, 1)), "%s", text)

		read, err := c.Read(t.Context(), text, now)
		require.NoError(t, err)
		claims := someClaims()
		claims.Issuer, claims.Audience = c.Issuer, c.Audience
		assert.Empty(t, cmp.Diff(claims, read))
	}
}

func TestAbsentClaims(t *testing.T) {
	t.Parallel()
	c := newCodec(newKey(t, "key-1", keyring.HS512))
	claims := someClaims()
	claims.PAT, claims.Hub = nil, nil
	payload := part(t, sign(t, c, claims), 1)
	assert.NotContains(t, payload, `"pat"`, "only where one opened the session")
	assert.Contains(t, payload, `"hub":null`)
}

func TestTimesAreCheckedWithLeeway(t *testing.T) {
	t.Parallel()
	c := newCodec(newKey(t, "key-1", keyring.HS512))
	text := sign(t, c, someClaims())
	for _, at := range []struct {
		after time.Duration
		want  error
	}{
		{-Ahead - time.Microsecond, ErrEarly},
		{-Ahead, nil},
		{0, nil},
		{30*time.Minute + time.Second - time.Microsecond, nil},
		{30*time.Minute + time.Second, ErrExpired},
		{30 * 24 * time.Hour, ErrExpired},
	} {
		_, err := c.Read(t.Context(), text, now.Add(at.after))
		require.ErrorIs(t, err, at.want, "%v after it was issued", at.after)
	}
}

func TestForeignTokens(t *testing.T) {
	t.Parallel()
	key := newKey(t, "key-1", keyring.HS512)
	other := newCodec(key)
	other.Issuer = "other.example.org"
	_, err := newCodec(key).Read(t.Context(), sign(t, other, someClaims()), now)
	require.ErrorIs(t, err, ErrForeign)
	other = newCodec(key)
	other.Audience = []string{"billing"}
	_, err = newCodec(key).Read(t.Context(), sign(t, other, someClaims()), now)
	require.ErrorIs(t, err, ErrForeign)

	several := newCodec(key)
	several.Audience = []string{"billing", "id.example.org"}
	_, err = newCodec(key).Read(t.Context(), sign(t, several, someClaims()), now)
	require.NoError(t, err)
}

func TestKeysThatAreNotOurs(t *testing.T) {
	t.Parallel()
	ours := newCodec(newKey(t, "key-1", keyring.HS512))
	for name, theirs := range map[string]keyring.Key{
		"another id":               newKey(t, "key-2", keyring.HS512),
		"our id":                   newKey(t, "key-1", keyring.HS512),
		"our id, other algorithm":  newKey(t, "key-1", keyring.ES256),
		"our id, third algorithm":  newKey(t, "key-1", keyring.EdDSA),
		"no id":                    newKey(t, "", keyring.HS512),
		"our id, an empty HMAC":    {ID: "key-1", Alg: keyring.HS512, Private: make([]byte, 64)},
		"our id, hashed HMAC name": {ID: "key-1", Alg: keyring.HS512, Private: []byte(strings.Repeat("key-1", 20))},
	} {
		_, err := ours.Read(t.Context(), sign(t, newCodec(theirs), someClaims()), now)
		assert.True(t, errors.Is(err, ErrSignature) || errors.Is(err, ErrMalformed), "%s: %v", name, err)
	}
}

// The classic confusion: the public key, which anybody may have, as the secret
// of an HMAC.
func TestPublicKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	for _, alg := range []keyring.Alg{keyring.ES256, keyring.EdDSA} {
		key := newKey(t, "key-1", alg)
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		require.NoError(t, err)
		secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		forger := newCodec(keyring.Key{ID: "key-1", Alg: keyring.HS512, Private: secret})
		_, err = newCodec(key).Read(t.Context(), sign(t, forger, someClaims()), now)
		require.ErrorIs(t, err, ErrSignature)
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t, "key-1", keyring.HS512)
	c := newCodec(key)
	payload, err := json.Marshal(someClaims())
	require.NoError(t, err)
	body := base64.RawURLEncoding.EncodeToString(payload)
	text := sign(t, c, someClaims())
	for name, forged := range map[string]string{
		"none":               base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT","kid":"key-1"}`)) + "." + body + ".",
		"no algorithm":       base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","kid":"key-1"}`)) + "." + body + ".AAAA",
		"no signature":       text[:strings.LastIndexByte(text, '.')+1],
		"another type":       signRaw(t, key, jose.HS512, map[jose.HeaderKey]any{"typ": "at+jwt"}, payload),
		"no type":            signRaw(t, key, jose.HS512, nil, payload),
		"a shorter HMAC":     signRaw(t, key, jose.HS256, map[jose.HeaderKey]any{"typ": "JWT"}, payload),
		"a critical unknown": signRaw(t, key, jose.HS512, map[jose.HeaderKey]any{"typ": "JWT", "crit": []string{"exp"}, "exp": 1}, payload),
		"not JSON inside":    signRaw(t, key, jose.HS512, map[jose.HeaderKey]any{"typ": "JWT"}, []byte("[]")),
		"several signatures": `{"payload":"` + body + `","signatures":[]}`,
		"nothing":            "",
		"dots":               "..",
		"too long":           text + strings.Repeat("A", maxLength),
		"a space":            " " + text,
	} {
		_, err := c.Read(t.Context(), forged, now)
		assert.True(t, errors.Is(err, ErrMalformed) || errors.Is(err, ErrSignature), "%s: %v", name, err)
	}
}

func signRaw(t *testing.T, key keyring.Key, alg jose.SignatureAlgorithm, header map[jose.HeaderKey]any, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: alg, Key: key.Private},
		(&jose.SignerOptions{ExtraHeaders: header}).WithHeader(headerKeyID, key.ID))
	require.NoError(t, err)
	signed, err := signer.Sign(payload)
	require.NoError(t, err)
	text, err := signed.CompactSerialize()
	require.NoError(t, err)
	return text
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	c := newCodec(newKey(t, "key-1", keyring.HS512))
	text := sign(t, c, someClaims())
	for i := range len(text) { // also the bits that stand for nothing in base64
		changed := []byte(text)
		changed[i]++
		_, err := c.Read(t.Context(), string(changed), now)
		require.Error(t, err, "byte %d", i)
	}
}

func TestKeysThatCannotBeReadAreNoVerdict(t *testing.T) {
	t.Parallel()
	key := newKey(t, "key-1", keyring.HS512)
	text := sign(t, newCodec(key), someClaims())
	away := errors.New("away")
	c := newCodec(key)
	c.Keys = fakeKeys{keys: []keyring.Key{key}, err: away}
	_, err := c.Read(t.Context(), text, now)
	require.ErrorIs(t, err, away)
	for _, verdict := range []error{ErrMalformed, ErrSignature, ErrForeign, ErrEarly, ErrExpired} {
		require.NotErrorIs(t, err, verdict)
	}
}

// FuzzRead holds the promise that whatever is not exactly a token of ours is
// refused, and that nothing panics.
func FuzzRead(f *testing.F) {
	key := newKey(f, "key-1", keyring.HS512)
	c := newCodec(key)
	good := sign(f, c, someClaims())
	f.Add(good)
	f.Add("")
	f.Add("..")
	f.Add(good[:len(good)/2])
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(`{"payload":"e30","protected":"e30","signature":""}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, err := c.Read(t.Context(), text, now)
		if err == nil && text != good {
			t.Fatalf("accepted %q", text)
		}
	})
}
