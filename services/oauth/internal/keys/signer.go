// Package keys signs ID tokens, reads them back as hints and publishes the
// keys. Keys rotate: ID tokens and hints stay good for as long as the key they
// were signed with is published (package keyring).
package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// Algorithm is what ID tokens are signed with.
const Algorithm = jose.RS256

// ErrHint says that an ID token given as a hint is not one of ours, or not for
// that client.
var ErrHint = errors.New("the ID token hint is not valid")

// Signer signs ID tokens and reads hints.
type Signer struct {
	Keys   *keyring.Keys
	Issuer string
}

// Sign makes a JWT of the claims.
func (s *Signer) Sign(ctx context.Context, claims any) (string, error) {
	key, err := s.Keys.Signing(ctx)
	if err != nil {
		return "", fmt.Errorf("sign an ID token: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: Algorithm, Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign an ID token: %w", err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign an ID token: %w", err)
	}
	return token, nil
}

// Subject reads whom an ID token of ours is about. It may have expired (OpenID
// Connect Core 1.0 section 3.1.2.1), but must have been issued to the client.
// The error is [ErrHint], unless the keys could not be read.
func (s *Signer) Subject(ctx context.Context, token, clientID string) (string, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{Algorithm})
	if err != nil || len(parsed.Headers) != 1 {
		return "", ErrHint
	}
	key, err := s.Keys.Verifying(ctx, parsed.Headers[0].KeyID)
	if errors.Is(err, keyring.ErrUnknownKey) {
		return "", ErrHint
	}
	if err != nil {
		return "", fmt.Errorf("verify a hint: %w", err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(key.Public(), &claims); err != nil {
		return "", ErrHint
	}
	if claims.Issuer != s.Issuer || !slices.Contains(claims.Audience, clientID) || claims.Subject == "" {
		return "", ErrHint
	}
	return claims.Subject, nil
}
