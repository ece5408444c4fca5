// Package userinfo tells relying parties who a user is (OpenID Connect Core
// 1.0 section 5.3).
package userinfo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/claims"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Endpoint serves GET and POST /oauth2/userinfo. The access token is a user's
// and has the scope openid.
type Endpoint struct {
	Provider fosite.OAuth2Provider
	Clients  *client.Store
	Accounts token.Accounts
	Signer   *keys.Signer
	// Proofs are those that were made for tokens.
	Proofs *replay.Memory
	Logger *slog.Logger
}

var errToken = &fosite.RFC6749Error{
	ErrorField:       "invalid_token",
	DescriptionField: "The access token is not valid.",
	CodeField:        http.StatusUnauthorized,
}

var errMissing = errors.New("the request has no access token")

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := e.serve(w, r)
	switch {
	case err == nil:
	case errors.Is(err, errMissing):
		refuse(w, r, wire.Failure{Status: http.StatusUnauthorized}, "")
	case errors.Is(err, fosite.ErrScopeNotGranted):
		refuse(w, r, wire.Failure{
			Code: "insufficient_scope", Status: http.StatusForbidden,
			Description: "The access token does not have the scope openid.",
		}, scope.OpenID)
	default:
		wire.Log(r.Context(), e.Logger, "userinfo", err)
		refuse(w, r, wire.FailureOf(err), "")
	}
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	raw, err := presented(w, r)
	if err != nil {
		return err
	}
	if raw == "" {
		return errMissing
	}
	request, session, err := e.find(r.Context(), raw)
	if err != nil {
		return err
	}
	if err := e.requireHolder(r, session.Confirmation); err != nil {
		return err
	}
	c, err := e.client(r, request.GetClient().GetID())
	if err != nil {
		return err
	}
	if shown := evidence.From(r.Context()); shown.KeyThumbprint != "" && !c.Signs(shown.KeyAlgorithm) {
		return dpop.ErrAlgorithm
	}
	about, err := e.about(r.Context(), c, session, request.GetGrantedScopes())
	if err != nil {
		return err
	}
	return e.write(r.Context(), w, c, about)
}

// find looks at what the token stands for.
func (e *Endpoint) find(ctx context.Context, text string) (fosite.AccessRequester, *grant.Session, error) {
	kind, request, err := e.Provider.IntrospectToken(ctx, text, fosite.AccessToken, &grant.Session{}, scope.OpenID)
	switch {
	case errors.Is(err, fosite.ErrInactiveToken), err == nil && kind != fosite.AccessToken:
		return nil, nil, errToken
	case err != nil:
		return nil, nil, err
	}
	session, ok := request.GetSession().(*grant.Session)
	if !ok || session.Grant == nil {
		return nil, nil, errToken
	}
	return request, session, nil
}

// client loads the token's client, which has to be one that may ask from where
// the request comes.
func (e *Endpoint) client(r *http.Request, id string) (*client.Client, error) {
	found, err := e.Clients.GetClient(r.Context(), id)
	if errors.Is(err, fosite.ErrNotFound) {
		return nil, errToken
	}
	if err != nil {
		return nil, err
	}
	c := client.Of(found)
	return c, client.CheckOrigin(c, r)
}

// about are the claims that the token's scopes stand for, and those that the
// request named.
func (e *Endpoint) about(ctx context.Context, c *client.Client, session *grant.Session, scopes []string) (map[string]any, error) {
	g := session.Grant
	request, err := claims.Parse(string(g.Details.Claims))
	if err != nil {
		return nil, err
	}
	names := claims.OfScopes(scopes)
	if c.ID == g.Client { // what its request has named, no other client was allowed
		names = append(names, claims.About(request.UserInfo, c)...)
	}
	names, ask := claims.OfGrant(g, names)
	account, err := e.Accounts.Claims(ctx, ask)
	if fault.Is(err, fault.NotFound) {
		return nil, errToken
	}
	if err != nil {
		return nil, err
	}
	if account.User.Hash != g.Subject {
		return nil, fmt.Errorf("userinfo: accounts answered about another user")
	}
	about := claims.Select(account, names)
	about["sub"] = session.GetSubject()
	return about, nil
}

// write answers in JSON, or in a JWT to a client that is registered so.
func (e *Endpoint) write(ctx context.Context, w http.ResponseWriter, c *client.Client, about map[string]any) error {
	if c.UserInfoAlg == "" {
		wire.JSON(w, http.StatusOK, about)
		return nil
	}
	signed := maps.Clone(about)
	signed["iss"], signed["aud"] = e.Signer.Issuer, c.ID
	// Without a type, as the specification has none: it must not pass for an ID
	// token.
	text, err := e.Signer.Sign(ctx, c.UserInfoAlg, "", signed)
	if err != nil {
		return err
	}
	wire.JWT(w, "application/jwt", text)
	return nil
}
