package token

import (
	"context"
	"errors"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Refresh redeems refresh tokens (RFC 6749 section 6). Each is replaced by its
// use. Presented again within the grace window it is answered with the very
// token that replaced it, so that a client whose answer was lost, or whose
// requests overlapped, goes on and the family stays one. Presented later, or
// once its replacement was replaced in turn, two parties hold the family, and
// it ends (RFC 9700 section 4.14.2).
//
// FAPI 2.0 wants none of that (section 5.3.2.1): the refresh token of a client
// that is held to it stays, as nobody without the client's key can use it.
type Refresh struct{ *Deps }

var _ fosite.TokenEndpointHandler = (*Refresh)(nil)

// CanSkipClientAuth is false: every client says who it is.
func (*Refresh) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest takes grant_type=refresh_token.
func (*Refresh) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.RefreshToken)
}

// HandleTokenEndpointRequest finds the token's grant and decides on the scopes.
func (h *Refresh) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, err := clientOf(request, client.RefreshToken)
	if err != nil {
		return err
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	if err := h.judge(ctx, request, session); err != nil {
		return err
	}
	scopes, err := narrowed(request, session.Grant, c)
	if err != nil {
		return err
	}
	if err := narrow(request, session.Grant, c); err != nil {
		return err
	}
	if err := h.requireActive(ctx, session.Grant); err != nil {
		return err
	}
	request.SetID(session.Grant.ID.String())
	for _, s := range scopes {
		request.GrantScope(s)
	}
	return nil
}

// judge loads the grant of the presented token into the session and says
// whether it is the current token or one presented again.
func (h *Refresh) judge(ctx context.Context, request fosite.AccessRequester, session *grant.Session) error {
	presented := request.GetRequestForm().Get("refresh_token")
	if presented == "" {
		return fosite.ErrInvalidRequest.WithHint("The refresh token is missing.")
	}
	id, generation, ok := h.Minter.Refresh.Parse(presented)
	if !ok {
		return errGrant
	}
	g, err := h.find(ctx, id, client.Of(request.GetClient()))
	if err != nil {
		return err
	}
	if err := requireHolder(ctx, g); err != nil {
		return err
	}
	now := h.Grants.Clock.Now()
	if !g.Live(now) {
		return errGrant.WithHint("The refresh token has expired.")
	}
	session.Grant = g
	switch g.Standing(generation, now, h.Minter.Lifetimes.Grace) {
	case grant.Current:
		session.Replay = false
		return nil
	case grant.Retried:
		session.Replay = true
		return nil
	case grant.Reused:
		return h.end(ctx, g, metrics.RefreshReused, "The refresh token has been used before.")
	default:
		return errGrant
	}
}

// narrowed are the scopes of the new access token: what was granted and the
// client still may have, or the part of it that the request asks for. The
// grant itself keeps its scopes.
func narrowed(request fosite.AccessRequester, g *grant.Grant, c *client.Client) ([]string, error) {
	granted := scope.Both(g.Scopes, c.Scopes)
	asked := request.GetRequestedScopes()
	if len(asked) == 0 {
		return granted, nil
	}
	if scope.Missing(asked, granted) != "" {
		return nil, fosite.ErrInvalidScope.WithHint("The scope goes beyond what was granted.")
	}
	return asked, nil
}

// PopulateTokenEndpointResponse mints the tokens and rotates. A request that
// lost the rotation to another looks again: then its token is one presented
// again.
func (h *Refresh) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, responder fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	done, err := h.answer(ctx, request, session, responder)
	if done || err != nil {
		return err
	}
	if err := h.judge(ctx, request, session); err != nil {
		return err
	}
	done, err = h.answer(ctx, request, session, responder)
	if err == nil && !done {
		return errGrant // neither rotated nor current: it was revoked in between
	}
	return err
}

// errLost says that another request rotated first.
var errLost = errors.New("token: another request rotated first")

// answer is false if another request rotated first.
func (h *Refresh) answer(ctx context.Context, request fosite.AccessRequester, session *grant.Session, responder fosite.AccessResponder) (bool, error) {
	g, now := session.Grant, h.Grants.Clock.Now()
	c := client.Of(request.GetClient())
	o := order{
		client: c, grant: g, scopes: request.GetGrantedScopes(), audience: request.GetGrantedAudience(),
		generation: g.Generation, now: now, expires: g.Expires,
	}
	stays := c.FAPI() && !c.Public()
	if !session.Replay {
		o.expires = h.Minter.Lifetimes.Of(c).familyEnds(g, now)
		if !stays {
			o.generation++
		}
	}
	tokens, err := h.Minter.mint(ctx, o)
	if err != nil {
		return false, err
	}
	g.Details.Confirmation = family(o.client, g, tokens.confirmation)
	won := true
	err = h.commit(ctx, func(ctx context.Context, q db.Queryer) (err error) {
		switch {
		case session.Replay:
			return nil
		case stays:
			won, err = h.Grants.Extend(ctx, q, g, o.expires)
		default:
			won, err = h.Grants.Rotate(ctx, q, g, now, o.expires)
		}
		if err == nil && !won {
			return errLost // what the request uses up is for its second try
		}
		return err
	})
	if errors.Is(err, errLost) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	tokens.into(responder)
	return true, nil
}
