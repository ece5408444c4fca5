package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// registrationTokens is GET /v1/registration-token.
func (a *API) registrationTokens(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := hubPerson(r.Context())
	if err != nil {
		return reply{}, err
	}
	who := actor(caller)
	q := query.Read(r)
	in := oauth.ListRegistrationTokensRequest{Actor: &who, Page: q.Page()}
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.OAuth.ListRegistrationTokens(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return list(each(found.Tokens, compose.RegistrationTokenOf), in.Page, found.Total), nil
}

// createRegistrationToken is POST /v1/registration-token.
func (a *API) createRegistrationToken(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := freshHubPerson(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	who := actor(caller)
	in := oauth.CreateRegistrationTokenRequest{Actor: &who, Name: body.String("name")}
	if !body.Null("uses") { // null: any number
		in.Uses = body.IntPtr("uses")
	}
	if !body.Null("expiration_time") { // null: never
		in.ExpirationTime = body.TimePtr("expiration_time")
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	token, err := a.deps.OAuth.CreateRegistrationToken(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(compose.CreatedRegistrationToken(token)), nil
}

// deleteRegistrationToken is DELETE /v1/registration-token/{token}.
func (a *API) deleteRegistrationToken(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := hubPerson(r.Context())
	if err != nil {
		return reply{}, err
	}
	token, err := ref(r, "token")
	if err != nil {
		return reply{}, err
	}
	who := actor(caller)
	_, err = a.deps.OAuth.DeleteRegistrationToken(r.Context(), oauth.RegistrationTokenRequest{Actor: &who, ID: token.ID, Hash: token.Hash})
	return done(err)
}
