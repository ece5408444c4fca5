package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// longestAssertion is how far ahead the exp of an assertion may be.
const longestAssertion = time.Hour

// JWTBearer gives a client tokens on the word of somebody whom the operator
// trusts to vouch for it, or for users (RFC 7523 section 2.1).
//
// An assertion for the client itself, such as the token that Kubernetes projects
// into a pod, may be presented again until it expires: the platform renews it when
// it sees fit, and with it anybody gets no more than with the client's secret. An
// assertion about a user is good once and has to have a jti: it is made for the
// one request, and whoever found it would be that user.
//
// What the assertion is for (its aud) never becomes what the token is for.
type JWTBearer struct {
	*Deps
	Keys *client.Keys
}

var _ fosite.TokenEndpointHandler = (*JWTBearer)(nil)

var errAssertion = errGrant.WithHint("The assertion is not accepted.")

// CanSkipClientAuth is false: every client says who it is, and proves it the way
// it is registered.
func (*JWTBearer) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest takes the grant type of RFC 7523.
func (*JWTBearer) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(client.JWTBearer)
}

// vouched are the claims of an assertion.
type vouched struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience jwt.Audience `json:"aud"`
	ID       string       `json:"jti"`
	signed.Times
}

// HandleTokenEndpointRequest finds out who vouches for whom.
func (h *JWTBearer) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	c, err := clientOf(request, client.JWTBearer)
	if err != nil {
		return err
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	text := request.GetRequestForm().Get("assertion")
	if text == "" {
		return fosite.ErrInvalidRequest.WithHint("The assertion is missing.")
	}
	issuer, claims, err := h.read(ctx, c, text)
	if err != nil {
		return err
	}
	ofUser := !slices.Contains(issuer.Subjects, claims.Subject)
	if err := h.grantScopes(request, c, ofUser); err != nil {
		return err
	}
	audience, err := resource.Asked(request.GetRequestForm(), c.Resources)
	if err != nil {
		return err
	}
	for _, name := range audience {
		request.GrantAudience(name)
	}
	if !ofUser {
		return nil
	}
	session.Grant, err = h.user(ctx, c, issuer, claims)
	return err
}

// read checks an assertion. Which of the checks failed is in the log, not in the
// answer.
func (h *JWTBearer) read(ctx context.Context, c *client.Client, text string) (*oauth.TrustedIssuer, *vouched, error) {
	token, err := signed.Parse(text, signed.Algorithms(), "", "jwt", "authorization-grant+jwt")
	if err != nil {
		return nil, nil, errGrant.WithHint("The assertion is not a JWT signed by an asymmetric algorithm that is offered.")
	}
	var claims vouched
	if token.Peek(&claims) != nil {
		return nil, nil, h.decline(ctx, c, errors.New("the claims cannot be read"))
	}
	at := slices.IndexFunc(c.TrustedIssuers, func(i oauth.TrustedIssuer) bool { return i.Issuer == claims.Issuer })
	if claims.Issuer == "" || at < 0 {
		return nil, nil, h.decline(ctx, c, errors.New("the iss is not one of the client's trusted issuers"))
	}
	issuer := &c.TrustedIssuers[at]
	keys, err := h.Keys.FindIn(ctx, issuer.JWKS, issuer.JWKSURI, token.KeyID(), token.Algorithm())
	if errors.Is(err, client.ErrNoKey) {
		return nil, nil, h.decline(ctx, c, err)
	}
	if err != nil {
		return nil, nil, err
	}
	claims = vouched{}
	if err := token.Claims(keys, &claims); err != nil {
		return nil, nil, h.decline(ctx, c, err)
	}
	if err := h.check(issuer, &claims); err != nil {
		return nil, nil, h.decline(ctx, c, err)
	}
	return issuer, &claims, nil
}

// check looks at what was signed.
func (h *JWTBearer) check(issuer *oauth.TrustedIssuer, claims *vouched) error {
	us := h.Minter.Signer.Issuer
	switch {
	case !slices.Contains(claims.Audience, us) && !slices.Contains(claims.Audience, us+"/oauth2/token"):
		return errors.New("the aud names neither the issuer nor the token endpoint")
	case claims.Subject == "" || !issuer.Users && !slices.Contains(issuer.Subjects, claims.Subject):
		return errors.New("the sub is not one that the issuer may speak of")
	}
	return claims.Check(h.Clock.Now(), longestAssertion)
}

func (h *JWTBearer) decline(ctx context.Context, c *client.Client, why error) error {
	h.Logger.InfoContext(ctx, "an assertion was refused", slog.String("client_id", c.ID), slog.Any("error", why))
	return errAssertion
}

// grantScopes grants what the request asks for. The scopes of a user's token are
// any but offline access, those of the client's own the ones without a user.
func (*JWTBearer) grantScopes(request fosite.AccessRequester, c *client.Client, ofUser bool) error {
	for _, s := range request.GetRequestedScopes() {
		if !slices.Contains(c.Scopes, s) || s == scope.OfflineAccess || scope.OfUser(s) && !ofUser {
			return fosite.ErrInvalidScope.WithHint("The client may not have that scope by an assertion.")
		}
		request.GrantScope(s)
	}
	return nil
}

// user gives the grant to be for the user that the assertion is about, and notes
// that the assertion is to be used up.
func (h *JWTBearer) user(ctx context.Context, c *client.Client, issuer *oauth.TrustedIssuer, claims *vouched) (*grant.Grant, error) {
	user, ok := api.ParseRef(claims.Subject)
	switch {
	case !ok || user.Hash == "":
		return nil, h.decline(ctx, c, errors.New("the sub is not the hash of a user"))
	case claims.ID == "" || len(claims.ID) > signed.MaxID:
		return nil, h.decline(ctx, c, errors.New("the jti is missing or too long"))
	}
	account, err := h.Accounts.Claims(ctx, accounts.ClaimsRequest{Subject: user.Hash, Hub: c.Hub})
	if fault.Is(err, fault.NotFound) || err == nil && c.Hub != nil && account.Hub == nil {
		return nil, h.decline(ctx, c, errors.New("the sub is no active user, or no member of the client's hub"))
	}
	if err != nil {
		return nil, err
	}
	evidence.From(ctx).Spend(replay.ID{
		Kind: evidence.GrantKind, Issuer: fmt.Sprintf("%q %q", c.ID, issuer.Issuer), Value: claims.ID, Expires: claims.Until(),
	})
	now := h.Grants.Clock.Now()
	return &grant.Grant{
		ID: grant.NewID(now), Client: c.ID, Subject: user.Hash, Created: now,
		Expires:  now.Add(h.Minter.Lifetimes.Of(c).Access),
		CodeHash: []byte{}, CodeExpires: now, // no code has this hash
		Details: grant.Details{Hub: c.Hub, Meaning: scope.Meaning},
	}, nil
}

// PopulateTokenEndpointResponse mints the token. There is never another one with
// it: the next one needs the next assertion.
func (h *JWTBearer) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, responder fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	session, err := sessionOf(request)
	if err != nil {
		return err
	}
	c, g, now := client.Of(request.GetClient()), session.Grant, h.Grants.Clock.Now()
	tokens, err := h.Minter.access(ctx, order{
		client: c, grant: g, scopes: request.GetGrantedScopes(), audience: request.GetGrantedAudience(),
		now: now, expires: now.Add(h.Minter.Lifetimes.Of(c).Access),
	})
	if err != nil {
		return err
	}
	if g == nil {
		err = h.commit(ctx, nil)
	} else {
		g.Scopes, g.Details.Resources = request.GetGrantedScopes(), request.GetGrantedAudience()
		err = h.commit(ctx, func(ctx context.Context, q db.Queryer) error { return h.Grants.Insert(ctx, q, g) })
	}
	if err != nil {
		return err
	}
	tokens.into(responder)
	return nil
}
