// Package evidence is what a request to a public endpoint proves beside its
// parameters. The endpoint collects it before fosite calls the handlers, which
// find it in the context.
package evidence

import (
	"context"
	"crypto/x509"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
)

// Evidence of one request.
type Evidence struct {
	// Certificate is the client's of the TLS connection (RFC 8705); nil: none.
	Certificate *x509.Certificate
	// KeyThumbprint is the JWK SHA-256 thumbprint of the key that a DPoP proof
	// has shown possession of (RFC 9449); empty: none.
	KeyThumbprint string
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

// Spend notes an id that the request uses up if it succeeds.
func (e *Evidence) Spend(id replay.ID) { e.Spends = append(e.Spends, id) }

// Commit does what a request is for, and uses up its one-time ids with it: one
// transaction, or none if there is nothing to write. effect may be nil. It is
// [replay.ErrSpent] if an id was used before, as the evidence is then worth
// nothing.
func Commit(ctx context.Context, d *db.DB, effect func(ctx context.Context, q db.Queryer) error) error {
	if effect == nil {
		effect = func(context.Context, db.Queryer) error { return nil }
	}
	spends := From(ctx).Spends
	if len(spends) == 0 {
		return effect(ctx, d)
	}
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := replay.Spend(ctx, tx, spends); err != nil {
			return err
		}
		return effect(ctx, tx)
	})
}
