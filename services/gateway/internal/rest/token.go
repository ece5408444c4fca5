package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// accessTokens is GET /v1/token.
func (a *API) accessTokens(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	q := query.Read(r)
	page := q.Page()
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.Sessions.ListAccessTokens(r.Context(), sessions.ListRequest{User: caller.Session.User, Page: page})
	if err != nil {
		return reply{}, err
	}
	return list(each(found.Tokens, compose.AccessTokenOf), page, found.Total), nil
}

// createAccessToken is POST /v1/token.
func (a *API) createAccessToken(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := sessions.CreateAccessTokenRequest{
		Actor: actor(caller), UserHash: caller.Session.UserHash, Name: body.String("name"),
	}
	if !body.Null("expiration_time") { // null: never
		in.ExpirationTime = body.TimePtr("expiration_time")
	}
	in.Scopes = scopesOf(body)
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	token, err := a.deps.Sessions.CreateAccessToken(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(compose.CreatedAccessToken(token)), nil
}

// scopesOf reads what a token may do; absent and null are all that a token can.
// An empty list would read as nothing, and is refused.
func scopesOf(body *jsonbody.Object) []sessions.TokenScope {
	if body.Null("scopes") {
		return nil
	}
	var scopes []sessions.TokenScope
	names := body.Strings("scopes")
	for _, name := range names {
		scopes = append(scopes, sessions.TokenScope(name))
	}
	if names != nil && len(names) == 0 {
		body.Add("scopes", "validation.required")
	}
	return scopes
}

// deleteAccessToken is DELETE /v1/token/{token}.
func (a *API) deleteAccessToken(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	token, err := ref(r, "token")
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Sessions.DeleteAccessToken(r.Context(), sessions.DeleteAccessTokenRequest{Actor: actor(caller), Token: token})
	return done(err)
}
