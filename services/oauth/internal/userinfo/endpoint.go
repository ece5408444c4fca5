package userinfo

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Endpoint serves GET and POST /oauth2/userinfo. The access token comes in the
// Authorization header and has the scope openid.
type Endpoint struct {
	Provider fosite.OAuth2Provider
	Accounts token.Accounts
	// Proofs are those that were made for tokens.
	Proofs *replay.Memory
	Logger *slog.Logger
}

var errToken = &fosite.RFC6749Error{
	ErrorField:       "invalid_token",
	DescriptionField: "The access token is not valid.",
	CodeField:        http.StatusUnauthorized,
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	claims, err := e.claims(r)
	switch {
	case err == nil:
		wire.JSON(w, http.StatusOK, claims)
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

var errMissing = errors.New("the request has no access token")

func (e *Endpoint) claims(r *http.Request) (Claims, error) {
	raw, err := presented(r)
	if err != nil {
		return Claims{}, err
	}
	if raw == "" {
		return Claims{}, errMissing
	}
	kind, request, err := e.Provider.IntrospectToken(r.Context(), raw, fosite.AccessToken, &grant.Session{}, scope.OpenID)
	switch {
	case errors.Is(err, fosite.ErrInactiveToken), err == nil && kind != fosite.AccessToken:
		return Claims{}, errToken
	case err != nil:
		return Claims{}, err
	}
	session, ok := request.GetSession().(*grant.Session)
	if !ok || session.Grant == nil {
		return Claims{}, errToken
	}
	if err := e.requireHolder(r, session.Confirmation); err != nil {
		return Claims{}, err
	}
	g := session.Grant
	account, err := e.Accounts.Claims(r.Context(), accounts.ClaimsRequest{Subject: g.Subject, Hub: g.Details.Hub})
	if fault.Is(err, fault.NotFound) {
		return Claims{}, errToken
	}
	if err != nil {
		return Claims{}, err
	}
	if account.User.Hash != g.Subject {
		return Claims{}, fmt.Errorf("userinfo: accounts answered about another user")
	}
	claims := Select(account, request.GetGrantedScopes())
	claims.Subject = session.GetSubject()
	return claims, nil
}
