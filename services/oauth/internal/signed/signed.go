// Package signed reads JWTs that others have signed (RFC 7519): the assertions,
// proofs and requests of clients. What they may look like is narrow, since
// whoever sends one chooses all of it (RFC 8725).
package signed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// MaxSize bounds a token, in bytes.
	MaxSize = 16 << 10
	// MaxID bounds a jti, in bytes.
	MaxID = 256
	// Leeway is what the clock of whoever stamped a token may be off.
	Leeway = 30 * time.Second
)

var (
	// ErrToken says that a text is no token of the kind that is wanted.
	ErrToken = errors.New("signed: not a token of the kind that is wanted")
	// ErrSignature says that none of the keys has made the signature.
	ErrSignature = errors.New("signed: the signature is of none of the keys")
)

// Token is a token whose signature nobody has checked yet.
type Token struct {
	parsed *jwt.JSONWebToken
	header jose.Header
}

// Parse reads a token in the compact form, of one of the algorithms and of one
// of the types (RFC 8725 section 3.11), where "" is a token without a type. Any
// failure is [ErrToken].
func Parse(text string, algorithms []jose.SignatureAlgorithm, types ...string) (*Token, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: it is too long", ErrToken)
	}
	parsed, err := jwt.ParseSigned(text, algorithms)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	t := &Token{parsed: parsed, header: parsed.Headers[0]}
	if _, ok := t.header.ExtraHeaders["crit"]; ok {
		return nil, fmt.Errorf("%w: no extension is understood", ErrToken)
	}
	kind, ok := t.kind()
	if !ok || !slices.Contains(types, kind) {
		return nil, fmt.Errorf("%w: it is of another type", ErrToken)
	}
	return t, nil
}

// kind is the typ, a media type whose "application/" may be left out (RFC 7515
// section 4.1.9); "" if there is none.
func (t *Token) kind() (string, bool) {
	value, ok := t.header.ExtraHeaders[jose.HeaderType]
	if !ok {
		return "", true
	}
	text, ok := value.(string)
	return strings.TrimPrefix(strings.ToLower(text), "application/"), ok && text != ""
}

// Algorithm is the one of the signature.
func (t *Token) Algorithm() jose.SignatureAlgorithm {
	return jose.SignatureAlgorithm(t.header.Algorithm)
}

// KeyID names the key of the signature; "" if the token does not say.
func (t *Token) KeyID() string { return t.header.KeyID }

// Key is the public key that the token brings along, nil if none.
func (t *Token) Key() *jose.JSONWebKey { return t.header.JSONWebKey }

// Peek reads the claims without knowing who wrote them. Names are those of
// JSON exactly, and none may occur twice.
func (t *Token) Peek(claims any) error {
	if err := t.parsed.UnsafeClaimsWithoutVerification(claims); err != nil {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	return nil
}

// Claims reads the claims if one of the keys made the signature, or is
// [ErrSignature].
func (t *Token) Claims(keys []jose.JSONWebKey, claims any) error {
	for _, key := range keys {
		if !Makes(key.Key, t.Algorithm()) {
			continue
		}
		if err := t.parsed.Claims(key.Key); err == nil {
			return t.Peek(claims)
		}
	}
	return ErrSignature
}

// Times are when a token counts (RFC 7519 sections 4.1.4 to 4.1.6).
type Times struct {
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Issued    *jwt.NumericDate `json:"iat"`
}

// Check is [ErrToken] unless the token counts now, and for no longer than that.
func (t Times) Check(now time.Time, longest time.Duration) error {
	// In seconds: times as far away as a token may name have no time.Time.
	early, late := now.Add(-Leeway).Unix(), now.Add(Leeway).Unix()
	switch {
	case t.Expires == nil:
		return fmt.Errorf("%w: exp is missing", ErrToken)
	case int64(*t.Expires) <= early:
		return fmt.Errorf("%w: it has expired", ErrToken)
	case int64(*t.Expires) > late+int64(longest/time.Second):
		return fmt.Errorf("%w: exp is more than %v ahead", ErrToken, longest)
	case t.NotBefore != nil && int64(*t.NotBefore) > late:
		return fmt.Errorf("%w: nbf is in the future", ErrToken)
	case t.Issued != nil && int64(*t.Issued) > late:
		return fmt.Errorf("%w: iat is in the future", ErrToken)
	}
	return nil
}

// Until is when a token that [Times.Check] has found good is refused for ever.
func (t Times) Until() time.Time { return time.Unix(int64(*t.Expires), 0).Add(Leeway) }
