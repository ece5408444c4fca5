// Package token is the token endpoint (RFC 6749 section 3.2): one handler per
// grant, each a fosite.TokenEndpointHandler of our own. fosite's handlers read
// a code or a refresh token, decide, and write later; between two requests
// that come at once both would have read before either wrote. These decide by
// the UPDATE itself (package grant).
//
// Each handler works in two steps, as fosite calls them:
//
//	HandleTokenEndpointRequest     checks everything that cannot change
//	PopulateTokenEndpointResponse  mints, then claims the grant; who lost the
//	                               claim throws away what it minted
//
// so that nothing can fail between the claim and the answer.
package token

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Deps are what the grants' handlers share.
type Deps struct {
	DB       *db.DB
	Grants   *grant.Store
	Accounts Accounts
	Minter   *Minter
	Metrics  *metrics.Metrics
	// Clock is for what others have stamped; for grants there is that of Grants.
	Clock  clockwork.Clock
	Logger *slog.Logger
}

var (
	errGrant        = fosite.ErrInvalidGrant.WithDescription("The grant is not valid.")
	errUnauthorized = fosite.ErrUnauthorizedClient.WithDescription("The client may not use this grant type.").WithHint("")
)

// clientOf is the client, if it may use the grant type.
func clientOf(request fosite.AccessRequester, grantType string) (*client.Client, error) {
	c := client.Of(request.GetClient())
	if c == nil || !c.May(grantType) {
		return nil, errUnauthorized
	}
	return c, nil
}

// sessionOf is the request's session, which the endpoint made.
func sessionOf(request fosite.AccessRequester) (*grant.Session, error) {
	session, ok := request.GetSession().(*grant.Session)
	if !ok {
		return nil, errors.New("token: the session is not one of ours")
	}
	return session, nil
}

// find loads a grant that is good and belongs to the client. Another client's
// is not touched: nobody ends what is not theirs.
func (d *Deps) find(ctx context.Context, id grant.ID, c *client.Client) (*grant.Grant, error) {
	g, err := d.Grants.ByID(ctx, id)
	if errors.Is(err, grant.ErrNotFound) {
		return nil, errGrant
	}
	if err != nil {
		return nil, err
	}
	if g.Client != c.ID || g.Revoked != nil {
		return nil, errGrant
	}
	return g, nil
}

// commit does what a request is for, and uses up its one-time ids with it.
func (d *Deps) commit(ctx context.Context, effect func(ctx context.Context, q db.Queryer) error) error {
	return evidence.Commit(ctx, d.DB, effect)
}

// requireActive refuses tokens for a user who is gone or disabled, and ends
// the grant, so that it does not come back with the user.
func (d *Deps) requireActive(ctx context.Context, g *grant.Grant) error {
	_, err := d.Accounts.Claims(ctx, accounts.ClaimsRequest{Subject: g.Subject, Hub: g.Details.Hub})
	if fault.Is(err, fault.NotFound) {
		return d.end(ctx, g, metrics.UserInactive, "The user is not active.")
	}
	return err
}

// narrow grants the audience of the access token: the resources that the request
// names, else all that were granted and the client still may have (RFC 8707
// section 2.2). The grant itself keeps its resources.
func narrow(request fosite.AccessRequester, g *grant.Grant, c *client.Client) error {
	granted := scope.Both(g.Details.Resources, c.Resources)
	audience, err := resource.Narrowed(request.GetRequestForm(), granted)
	if err == nil && len(granted) == 0 && len(g.Details.Resources) > 0 {
		err = resource.ErrTarget // a token for none in particular would be good for more
	}
	if err != nil {
		return err
	}
	for _, name := range audience {
		request.GrantAudience(name)
	}
	return nil
}

// end revokes the grant and is invalid_grant, or why it could not be revoked.
func (d *Deps) end(ctx context.Context, g *grant.Grant, reason metrics.Reason, hint string) error {
	if err := d.Grants.Revoke(ctx, d.DB, g.ID, d.Grants.Clock.Now()); err != nil {
		return err
	}
	d.Metrics.Revoked(reason)
	d.Logger.WarnContext(ctx, "a grant was ended", slog.String("reason", string(reason)),
		slog.String("client_id", g.Client), slog.String("grant_id", g.ID.String()))
	return errGrant.WithHint(hint)
}
