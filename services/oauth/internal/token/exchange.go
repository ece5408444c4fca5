package token

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// The types of tokens (RFC 8693 section 3).
const (
	TypeAccessToken  = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name
	TypeJWT          = "urn:ietf:params:oauth:token-type:jwt"
	typeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token" //nolint:gosec // a name
	typeIDToken      = "urn:ietf:params:oauth:token-type:id_token"      //nolint:gosec // a name
	// TypeUser is the hash of a user, whom an administrator wants to act as.
	TypeUser = "urn:gatehouse:params:oauth:token-type:user"
)

// AudienceParameter names resources as the resource parameter does (RFC 8693
// section 2.1), and may be repeated as well.
const AudienceParameter = "audience"

// maxActors bounds how many may have acted one for the other, and so the size of
// tokens.
const maxActors = 5

// Exchange gives a client a token for one it holds (RFC 8693): by delegation a
// token of the same user to go on with at another API, or by impersonation a
// token of a user whom an administrator may act as.
//
// A delegated token rests on the grant of the token it was got for and ends with
// it; it is never good for longer, for more scopes, or refreshed. Nothing is
// stored for it.
type Exchange struct {
	*Deps
	Tokens fosite.TokenIntrospector
	Outbox *outbox.Outbox
}

var _ fosite.TokenEndpointHandler = (*Exchange)(nil)

// refused is invalid_request, which RFC 8693 section 2.2.2 has for tokens that
// are not valid or not acceptable.
func refused(hint string) error {
	return fosite.ErrInvalidRequest.WithDescription("The exchange is refused.").WithHint(hint)
}

// CanSkipClientAuth is false: every client says who it is.
func (*Exchange) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest takes the grant type of RFC 8693.
func (*Exchange) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.TokenExchange)
}

// HandleTokenEndpointRequest decides whether the client may have a token for what
// it presents.
func (h *Exchange) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, err := clientOf(request, client.TokenExchange)
	if err != nil {
		return err
	}
	if c.Public() {
		return errUnauthorized
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	form := request.GetRequestForm()
	if _, err := issuedType(form); err != nil {
		return err
	}
	if form.Get("subject_token") == "" {
		return refused("The subject_token is missing.")
	}
	switch form.Get("subject_token_type") {
	case TypeAccessToken, TypeJWT:
		return h.delegate(ctx, request, c, session)
	case TypeUser:
		return h.impersonate(ctx, request, c, session)
	case typeIDToken:
		return refused("An ID token says who logged in, and gives no right to anything.")
	case typeRefreshToken:
		return refused("A refresh token is its own client's, for the refresh_token grant.")
	case "":
		return refused("The subject_token_type is missing.")
	}
	return refused("The subject_token_type is not one that is offered.")
}

// issuedType is the type of the new token.
func issuedType(form url.Values) (string, error) {
	switch asked := form.Get("requested_token_type"); asked {
	case "", TypeAccessToken:
		return TypeAccessToken, nil
	case TypeJWT:
		return asked, nil
	}
	return "", refused("The requested_token_type is not one that is offered.")
}

// held is an access token that a client presents.
type held struct {
	client   string // it was issued to
	scopes   []string
	audience []string
	expires  time.Time
	session  *grant.Session
}

// inspect reads an access token of a user that is good; the hint is for all
// others.
func (h *Exchange) inspect(ctx context.Context, text, hint string) (*held, error) {
	request := fosite.NewAccessRequest(&grant.Session{})
	kind, err := h.Tokens.IntrospectToken(ctx, text, fosite.AccessToken, request, nil)
	switch {
	case errors.Is(err, fosite.ErrInactiveToken), err == nil && kind != fosite.AccessToken:
		return nil, refused(hint)
	case err != nil:
		return nil, err
	}
	session, err := sessionOf(request)
	if err != nil {
		return nil, err
	}
	if session.Grant == nil {
		return nil, refused(hint)
	}
	return &held{
		client: request.GetClient().GetID(), scopes: request.GetGrantedScopes(), audience: request.GetGrantedAudience(),
		expires: session.GetExpiresAt(fosite.AccessToken), session: session,
	}, nil
}

// delegate has the client act for the user of a token.
func (h *Exchange) delegate(ctx context.Context, request fosite.AccessRequester, c *client.Client, session *grant.Session) error {
	form := request.GetRequestForm()
	if form.Has("actor_token") || form.Has("actor_token_type") {
		return refused("Who acts for the user of an access token is the client itself; an actor_token is not for that.")
	}
	const hint = "The subject_token is not an access token of a user that the client may exchange."
	t, err := h.inspect(ctx, form.Get("subject_token"), hint)
	if err != nil {
		return err
	}
	g := t.session.Grant
	if !Sees(c, t.client, t.audience, g) || !inHubOf(c, g) {
		return refused(hint)
	}
	if err := staysBound(ctx, c, t, hint); err != nil {
		return err
	}
	if t.session.Actor.Depth() >= maxActors {
		return refused("Too many have acted one for the other.")
	}
	if err := grantScopes(request, c, t.scopes); err != nil {
		return err
	}
	if err := grantAudience(request, c, t.audience); err != nil {
		return err
	}
	if err := h.requireActive(ctx, g); err != nil {
		return err
	}
	before, err := h.actors(ctx, c, t)
	if err != nil {
		return err
	}
	session.Grant, session.Actor = g, &grant.Actor{Subject: c.ID, Actor: before}
	session.SetExpiresAt(fosite.AccessToken, t.expires)
	return nil
}

// staysBound keeps a bound token from becoming one that anybody may bear. Who
// presents one that was issued to itself has to hold the key. A resource server that
// was sent one does not have that key; it binds what it gets to one of its own.
func staysBound(ctx context.Context, c *client.Client, t *held, hint string) error {
	switch {
	case t.session.Confirmation == nil:
		return nil
	case t.client == c.ID:
		if !Holds(ctx, t.session.Confirmation) {
			return refused(hint)
		}
		return nil
	}
	to, err := confirm(ctx, c)
	if err == nil && to == nil {
		err = refused("The subject_token is bound to a key, so what is got for it has to be, too: by a DPoP proof, or by the certificate of a client that is registered so.")
	}
	return err
}

// actors are who acted before. An administrator who acts as the user is named as
// the new token's client knows them.
func (h *Exchange) actors(ctx context.Context, c *client.Client, t *held) (*grant.Actor, error) {
	before, parent := t.session.Actor, t.session.Grant.Details.Parent
	if before == nil || parent == nil {
		return before, nil
	}
	acting, err := h.Grants.ByID(ctx, *parent)
	if errors.Is(err, grant.ErrNotFound) {
		return nil, errGrant
	}
	if err != nil {
		return nil, err
	}
	return before.First(h.Minter.Names.Of(c, acting.Subject)), nil
}

// grantScopes grants what the request asks for of the scopes that the client may
// have, or all of those. Offline access is of no use to a token that is not
// refreshed.
func grantScopes(request fosite.AccessRequester, c *client.Client, among []string) error {
	possible := slices.DeleteFunc(scope.Both(among, c.Scopes), func(s string) bool { return s == scope.OfflineAccess })
	asked := request.GetRequestedScopes()
	if len(asked) == 0 {
		asked = possible
	}
	if len(asked) == 0 || scope.Missing(asked, possible) != "" {
		return fosite.ErrInvalidScope.WithHint("The scope goes beyond that of the token presented, or of the client.")
	}
	for _, s := range asked {
		request.GrantScope(s)
	}
	return nil
}

// grantAudience grants the resources that the request names, by either of its
// parameters, or else those of the token presented.
func grantAudience(request fosite.AccessRequester, c *client.Client, among []string) error {
	form := request.GetRequestForm()
	named := slices.Concat(form[resource.Parameter], form[AudienceParameter])
	asked, err := resource.Asked(url.Values{resource.Parameter: named}, c.Resources)
	if err != nil {
		return err
	}
	if asked == nil {
		asked = among
	}
	for _, name := range asked {
		request.GrantAudience(name)
	}
	return nil
}

// PopulateTokenEndpointResponse mints the token.
func (h *Exchange) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, responder fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	issued, err := issuedType(request.GetRequestForm())
	if err != nil {
		return err
	}
	tokens, err := h.Minter.access(ctx, order{
		client: client.Of(request.GetClient()), grant: session.Grant,
		scopes: request.GetGrantedScopes(), audience: request.GetGrantedAudience(), actor: session.Actor,
		jwt: issued == TypeJWT, now: h.Grants.Clock.Now(), expires: session.GetExpiresAt(fosite.AccessToken),
	})
	if err != nil {
		return err
	}
	if session.Acting != nil {
		err = h.actAs(ctx, session)
	} else {
		err = h.commit(ctx, nil)
	}
	if err != nil {
		return err
	}
	tokens.into(responder)
	responder.SetExtra("issued_token_type", issued)
	return nil
}
