package token

import (
	"context"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/device"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// Device gives tokens to a device whose user has allowed it elsewhere (RFC 8628
// section 3.4). Until then it tells the device to go on asking.
//
// A device code is good once. Presented again it is invalid_grant, and what the
// device got stays good: unlike an authorization code it has not come through a
// browser, and a device whose polls overlap is an honest one.
type Device struct {
	*Deps
	Devices *device.Store
}

var _ fosite.TokenEndpointHandler = (*Device)(nil)

// CanSkipClientAuth is false: every client says who it is.
func (*Device) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest takes the grant type of RFC 8628.
func (*Device) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.DeviceCode)
}

// HandleTokenEndpointRequest finds what the user has granted.
func (h *Device) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, err := clientOf(request, client.DeviceCode)
	if err != nil {
		return err
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	code := request.GetRequestForm().Get("device_code")
	if code == "" {
		return fosite.ErrInvalidRequest.WithHint("The device code is missing.")
	}
	id, err := h.Devices.Poll(ctx, c.ID, code, h.Grants.Clock.Now())
	if err != nil {
		return err
	}
	g, err := h.find(ctx, id, c)
	if err != nil {
		return err
	}
	if g.CodeUsed != nil {
		return errDeviceCodeUsed
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

var errDeviceCodeUsed = errGrant.WithHint("The device code has been used before.")

// PopulateTokenEndpointResponse mints the tokens and uses the device code up.
func (h *Device) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, responder fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	tokens, won, err := h.redeem(ctx, request, session.Grant)
	if err != nil {
		return err
	}
	if !won {
		return errDeviceCodeUsed
	}
	tokens.into(responder)
	return nil
}

// redeem is false if another request redeemed the grant first, or it was revoked.
func (h *Device) redeem(ctx context.Context, request fosite.AccessRequester, g *grant.Grant) (minted, bool, error) {
	c, now := client.Of(request.GetClient()), h.Grants.Clock.Now()
	lifetimes := h.Minter.Lifetimes.Of(c)
	o := order{
		client: c, grant: g, scopes: g.Scopes, audience: request.GetGrantedAudience(),
		now: now, expires: now.Add(lifetimes.Access),
	}
	if g.Offline() && c.May(client.RefreshToken) {
		o.generation = 1
		o.expires = lifetimes.familyEnds(g, now)
	}
	tokens, err := h.Minter.mint(ctx, o)
	if err != nil {
		return tokens, false, err
	}
	g.Details.Confirmation = family(c, g, tokens.confirmation)
	won := false
	err = h.commit(ctx, func(ctx context.Context, q db.Queryer) (err error) {
		won, err = h.Grants.Redeem(ctx, q, g, o.generation, now, o.expires)
		return err
	})
	return tokens, won, err
}
