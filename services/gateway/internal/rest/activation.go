package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// The accounts service names every broken rule of these two; here only the
// form of the body is judged.

// initiateActivation is POST /v1/activation/initiate.
func (a *API) initiateActivation(_ http.ResponseWriter, r *http.Request) (reply, error) {
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := flow.Registration{
		FirstName: body.String("first_name"),
		LastName:  body.String("last_name"),
		Email:     body.String("email"),
		Language:  edge.Language(r.Context()),
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	if err := a.deps.Flow.Register(r.Context(), in); err != nil {
		return reply{}, err
	}
	return created(envelope.Empty{}), nil
}

// finishActivation is PUT /v1/activation/{activation}/finish.
func (a *API) finishActivation(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.ScopedSession(r.Context(), flow.FinishScopes()...)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := flow.Activation{
		Activation:           r.PathValue("activation"),
		Name:                 body.String("name"),
		FirstName:            body.String("first_name"),
		LastName:             body.String("last_name"),
		Password:             body.String("password"),
		PasswordConfirmation: body.String("password_confirmation"),
		Terms:                body.Bool("terms", false),
	}
	if provider := body.String("provider"); provider != "" {
		in.Identity = &flow.IdentityAnswer{
			Provider: provider, State: body.String("state"), Code: body.String("code"), Issuer: body.String("iss"),
		}
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	outcome, err := a.deps.Flow.FinishActivation(r.Context(), caller, in)
	if err != nil {
		return reply{}, err
	}
	a.keep(w, caller, outcome.Token)
	return ok(a.document(r, outcome, compose.Composer.Activated)), nil
}
