package token

import (
	"context"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// confirm says what an access token of the client is bound to: the key of the
// request's DPoP proof, if it has one, and the certificate of the connection, if
// the client is registered so (RFC 8705 section 3.4). A client whose tokens are
// always bound gets none without.
func confirm(ctx context.Context, c *client.Client) (*grant.Confirmation, error) {
	e := evidence.From(ctx)
	var bound grant.Confirmation
	if bound.KeyThumbprint = e.KeyThumbprint; bound.KeyThumbprint == "" && c.DPoPBound {
		// Not invalid_dpop_proof: that says what is wrong with one (RFC 9449 section 5).
		return nil, fosite.ErrInvalidRequest.WithHint("The client's tokens are bound to a key, and the request has no DPoP proof.")
	}
	if bound.KeyThumbprint != "" && !c.Signs(e.KeyAlgorithm) {
		return nil, dpop.ErrAlgorithm
	}
	if c.TLSBound {
		if bound.CertificateThumbprint = e.CertificateThumbprint(); bound.CertificateThumbprint == "" {
			return nil, fosite.ErrInvalidRequest.WithHint("The client's tokens are bound to a certificate, and the connection has none.")
		}
	}
	if bound == (grant.Confirmation{}) {
		return nil, nil //nolint:nilnil // most tokens are not bound
	}
	return &bound, nil
}

// Holds tells whether the request proves all that is asked for.
func Holds(ctx context.Context, want *grant.Confirmation) bool {
	if want == nil {
		return true
	}
	e := evidence.From(ctx)
	return (want.KeyThumbprint == "" || want.KeyThumbprint == e.KeyThumbprint) &&
		(want.CertificateThumbprint == "" || want.CertificateThumbprint == e.CertificateThumbprint())
}

// requireHolder refuses a refresh token that is bound to another key than the
// request proves, or than none. The family goes on: without the key a stolen
// token is worth nothing, and must not end what its owner has.
func requireHolder(ctx context.Context, g *grant.Grant) error {
	if !Holds(ctx, g.Details.Confirmation) {
		return errGrant.WithHint("The refresh token is bound to another key.")
	}
	return nil
}

// family is what the refresh tokens of the grant are bound to from now on. Those
// of a client that authenticates are bound to it already; a public client's are
// to what its access token is (RFC 9449 section 5, RFC 8705 section 7.1), and
// stay so.
func family(c *client.Client, g *grant.Grant, access *grant.Confirmation) *grant.Confirmation {
	switch {
	case !c.Public():
		return nil
	case access != nil:
		return access
	}
	return g.Details.Confirmation
}
