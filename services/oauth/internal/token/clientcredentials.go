package token

import (
	"context"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// ClientCredentials gives a client a token of its own (RFC 6749 section 4.4).
// Nothing is stored. Without a scope parameter the token has no scope.
type ClientCredentials struct{ *Deps }

var _ fosite.TokenEndpointHandler = (*ClientCredentials)(nil)

// CanSkipClientAuth is false: every client says who it is.
func (*ClientCredentials) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest takes grant_type=client_credentials.
func (*ClientCredentials) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.ClientCredentials)
}

// HandleTokenEndpointRequest checks the scopes, of which those about a user make
// no sense here, and the resources: without one the token is for none.
func (h *ClientCredentials) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, err := clientOf(request, client.ClientCredentials)
	if err != nil {
		return err
	}
	if c.Public() {
		return errUnauthorized
	}
	for _, s := range request.GetRequestedScopes() {
		if scope.OfUser(s) || scope.Missing([]string{s}, c.Scopes) != "" {
			return fosite.ErrInvalidScope.WithHint("The client may not have that scope by itself.")
		}
		request.GrantScope(s)
	}
	audience, err := resource.Asked(request.GetRequestForm(), c.Resources)
	if err != nil {
		return err
	}
	for _, name := range audience {
		request.GrantAudience(name)
	}
	return nil
}

// PopulateTokenEndpointResponse mints the token.
func (h *ClientCredentials) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, responder fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, now := client.Of(request.GetClient()), h.Grants.Clock.Now()
	tokens, err := h.Minter.mint(ctx, order{
		client: c, scopes: request.GetGrantedScopes(), audience: request.GetGrantedAudience(),
		now: now, expires: now.Add(h.Minter.Lifetimes.Of(c).Access),
	})
	if err != nil {
		return err
	}
	if err := h.commit(ctx, nil); err != nil {
		return err
	}
	tokens.into(responder)
	return nil
}
