package token

import (
	"context"
	"crypto/subtle"
	"net/url"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/pkce"
)

// Code redeems authorization codes (RFC 6749 section 4.1.3, RFC 7636 section
// 4.6). A code is good for one try: presented twice, even at the same moment,
// or by its own client without the right verifier or redirect URI, it ends the
// grant with all its tokens. The right verifier does not help after a wrong
// one, since an honest client has only ever one.
type Code struct{ *Deps }

var _ fosite.TokenEndpointHandler = (*Code)(nil)

// CanSkipClientAuth is false: every client says who it is.
func (*Code) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest takes grant_type=authorization_code.
func (*Code) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.AuthorizationCode)
}

// HandleTokenEndpointRequest finds the code's grant and checks what it was
// issued for.
func (h *Code) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, err := clientOf(request, client.AuthorizationCode)
	if err != nil {
		return err
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	form := request.GetRequestForm()
	g, err := h.redeemable(ctx, c, form.Get("code"))
	if err != nil {
		return err
	}
	if err := h.prove(ctx, g, form); err != nil {
		return err
	}
	if err := narrow(request, g, c); err != nil {
		return err
	}
	if err := h.requireActive(ctx, g); err != nil {
		return err
	}
	session.Grant = g
	request.SetID(g.ID.String())
	for _, s := range g.Scopes {
		request.GrantScope(s)
	}
	return nil
}

// redeemable finds the grant of a code that is the client's, unused and in
// time.
func (h *Code) redeemable(ctx context.Context, c *client.Client, code string) (*grant.Grant, error) {
	if code == "" {
		return nil, fosite.ErrInvalidRequest.WithHint("The code is missing.")
	}
	id, ok := bearer.ParseCode(code)
	if !ok {
		return nil, errGrant
	}
	g, err := h.find(ctx, id, c)
	if err != nil {
		return nil, err
	}
	switch {
	case subtle.ConstantTimeCompare(bearer.Hash(code), g.CodeHash) != 1:
		return nil, errGrant
	case g.CodeUsed != nil:
		return nil, h.reused(ctx, g)
	case !h.Grants.Clock.Now().Before(g.CodeExpires):
		return nil, errGrant.WithHint("The code has expired.")
	}
	return g, nil
}

// prove checks that the redeemer is who asked for the code. The redirect URI
// has to be repeated if the request named it, and a challenge has to be met
// whatever the settings are; a verifier without a challenge is a downgrade
// (RFC 9700 section 4.8.2).
func (h *Code) prove(ctx context.Context, g *grant.Grant, form url.Values) error {
	if g.Details.RedirectURI != "" && form.Get("redirect_uri") != g.Details.RedirectURI {
		return h.end(ctx, g, metrics.CodeMisused, "The redirect URI is not the one of the authorization request.")
	}
	if !pkce.Verify(g.Details.Challenge, form.Get("code_verifier")) {
		return h.end(ctx, g, metrics.CodeMisused, "The code verifier does not fit the challenge.")
	}
	if !Holds(ctx, g.Details.Confirmation) {
		return h.end(ctx, g, metrics.CodeMisused, "The code is bound to another key.")
	}
	return nil
}

// PopulateTokenEndpointResponse mints the tokens and uses the code up.
func (h *Code) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, responder fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	g, now := session.Grant, h.Grants.Clock.Now()
	c := client.Of(request.GetClient())
	lifetimes := h.Minter.Lifetimes.Of(c)
	o := order{
		client: c, grant: g, scopes: g.Scopes, audience: request.GetGrantedAudience(), nonce: g.Details.Nonce, now: now,
		expires: now.Add(lifetimes.Access),
	}
	if g.Offline() && c.May(client.RefreshToken) {
		o.generation = 1
		o.expires = lifetimes.familyEnds(g, now)
	}
	tokens, err := h.Minter.mint(ctx, o)
	if err != nil {
		return err
	}
	g.Details.Confirmation = family(c, g, tokens.confirmation)
	won := false
	err = h.commit(ctx, func(ctx context.Context, q db.Queryer) (err error) {
		won, err = h.Grants.Redeem(ctx, q, g, o.generation, now, o.expires)
		return err
	})
	if err != nil {
		return err
	}
	if !won {
		return h.reused(ctx, g)
	}
	tokens.into(responder)
	return nil
}

func (h *Code) reused(ctx context.Context, g *grant.Grant) error {
	return h.end(ctx, g, metrics.CodeReused, "The code has been used before.")
}
