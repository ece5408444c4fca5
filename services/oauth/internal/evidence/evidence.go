// Package evidence is what a request to a public endpoint proves beside its
// parameters. The endpoint collects it before fosite calls the handlers, which
// find it in the context.
package evidence

import (
	"context"
	"crypto/x509"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
)

// Evidence of one request.
type Evidence struct {
	// Certificate is the client's of the TLS connection (RFC 8705); nil: none.
	Certificate *x509.Certificate
	// KeyThumbprint is the JWK SHA-256 thumbprint of the key that a DPoP proof
	// has shown possession of (RFC 9449); empty: none.
	KeyThumbprint string
	// KeyAlgorithm is what the proof is signed with; empty: none.
	KeyAlgorithm jose.SignatureAlgorithm
	// Spends are the one-time ids that the request uses up if it succeeds.
	Spends []replay.ID
}

type contextKey struct{}

// With is the context of a request with its evidence.
func With(ctx context.Context, e *Evidence) context.Context {
	return context.WithValue(ctx, contextKey{}, e)
}

// From is the evidence of the request, never nil.
func From(ctx context.Context) *Evidence {
	if e, ok := ctx.Value(contextKey{}).(*Evidence); ok {
		return e
	}
	return &Evidence{}
}

// Collected tells whether the request's endpoint collects evidence. Where it
// does not, what has to be spent would be lost.
func Collected(ctx context.Context) bool {
	_, ok := ctx.Value(contextKey{}).(*Evidence)
	return ok
}

// Spend notes an id that the request uses up if it succeeds.
func (e *Evidence) Spend(id replay.ID) { e.Spends = append(e.Spends, id) }
