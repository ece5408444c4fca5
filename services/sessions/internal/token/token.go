package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// What can be wrong with a token. The words are for metrics and debug logs;
// whoever sent the token learns at most that it has expired.
var (
	ErrMalformed = errors.New("token: malformed")
	ErrSignature = errors.New("token: not signed by an accepted key")
	ErrForeign   = errors.New("token: of another issuer or for another audience")
	ErrEarly     = errors.New("token: not valid yet")
	ErrExpired   = errors.New("token: expired")
)

// maxLength bounds a token, in bytes. The longest we write has about 900.
const maxLength = 4096

// headerKeyID is set by name: the library would leave it out for a secret.
const headerKeyID jose.HeaderKey = "kid"

// Algorithms are those a key may have.
func Algorithms() []keyring.Alg { return []keyring.Alg{keyring.HS512, keyring.ES256, keyring.EdDSA} }

// Keys are the signing keys, as *keyring.Keys has them.
type Keys interface {
	Signing(ctx context.Context) (keyring.Key, error)
	Verifying(ctx context.Context, kid string) (keyring.Key, error)
}

// Ahead is how far the clock of the process that issued a token may be ahead of the
// one that reads it. Nobody but us has signed it, and we date none ahead on purpose: to
// refuse it would protect nothing.
const Ahead = 75 * time.Second

// Codec writes and reads tokens of one issuer.
type Codec struct {
	Keys     Keys
	Issuer   string
	Audience []string
	// Leeway is for how long a token is good after its expiry, as clocks differ.
	Leeway time.Duration
}

// Signer signs with the key that was current when it was made.
type Signer struct {
	codec  *Codec
	signer jose.Signer
}

// Signer gets the current key. It may read the database, so it is to be called
// before a transaction begins; signing itself only computes.
func (c *Codec) Signer(ctx context.Context) (*Signer, error) {
	key, err := c.Keys.Signing(ctx)
	if err != nil {
		return nil, err
	}
	alg, err := algorithm(key.Alg)
	if err != nil {
		return nil, err
	}
	header := (&jose.SignerOptions{}).WithType("JWT").WithHeader(headerKeyID, key.ID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key.Private}, header)
	if err != nil {
		return nil, fmt.Errorf("token: using key %s: %w", key.ID, err)
	}
	return &Signer{codec: c, signer: signer}, nil
}

// Sign writes a token. Issuer and audience are the codec's.
func (s *Signer) Sign(c Claims) (string, error) {
	c.Issuer, c.Audience = s.codec.Issuer, s.codec.Audience
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	signed, err := s.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("token: signing: %w", err)
	}
	return signed.CompactSerialize()
}

// Read checks a token and gives its claims. An error is one of the package's,
// or a fault if the keys could not be read.
func (c *Codec) Read(ctx context.Context, token string, now time.Time) (Claims, error) {
	payload, err := c.verify(ctx, token)
	if err != nil {
		return Claims{}, err
	}
	var claims Claims
	if err := json.Unmarshal(payload, &claims); err != nil {
		return Claims{}, ErrMalformed
	}
	return claims, c.check(claims, now)
}

// verify checks the signature and gives what was signed.
func (c *Codec) verify(ctx context.Context, token string) ([]byte, error) {
	if len(token) > maxLength {
		return nil, ErrMalformed
	}
	signed, err := jose.ParseSignedCompact(token, accepted())
	if err != nil || !canonical(signed, token) {
		return nil, ErrMalformed
	}
	header := signed.Signatures[0].Protected
	if header.KeyID == "" || header.ExtraHeaders[jose.HeaderType] != "JWT" {
		return nil, ErrMalformed
	}
	key, err := c.Keys.Verifying(ctx, header.KeyID)
	if errors.Is(err, keyring.ErrUnknownKey) {
		return nil, ErrSignature
	}
	if err != nil {
		return nil, err
	}
	if header.Algorithm != string(key.Alg) {
		return nil, ErrSignature
	}
	payload, err := signed.Verify(verifier(key))
	if err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

// canonical tells whether the token has no other spelling than this one. Base64
// would have: bits that stand for nothing, and line breaks.
func canonical(signed *jose.JSONWebSignature, token string) bool {
	spelling, err := signed.CompactSerialize()
	return err == nil && spelling == token
}

func (c *Codec) check(claims Claims, now time.Time) error {
	switch {
	case claims.Issuer != c.Issuer, !slices.ContainsFunc(claims.Audience, c.isAudience):
		return ErrForeign
	case now.Add(Ahead).Before(claims.NotBefore.Time):
		return ErrEarly
	case !now.Add(-c.Leeway).Before(claims.Expires.Time):
		return ErrExpired
	default:
		return nil
	}
}

func (c *Codec) isAudience(a string) bool { return slices.Contains(c.Audience, a) }

// accepted are the algorithms that are parsed at all; "none" is not among them.
func accepted() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.HS512, jose.ES256, jose.EdDSA}
}

func algorithm(a keyring.Alg) (jose.SignatureAlgorithm, error) {
	if alg := jose.SignatureAlgorithm(a); slices.Contains(accepted(), alg) {
		return alg, nil
	}
	return "", fmt.Errorf("token: a key for %q signs no session tokens", a)
}

// verifier is the part of the key that verifies, in the type that only its own
// algorithm takes.
func verifier(key keyring.Key) any {
	if public := key.Public(); public != nil {
		return public
	}
	return key.Private // the same secret signs and verifies
}
