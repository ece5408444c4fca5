package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// authRoutes are the endpoints by which people come in and go.
func (a *API) authRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /v1/auth":   a.login,
		"GET /v1/auth":    a.current,
		"PUT /v1/auth":    a.refresh,
		"DELETE /v1/auth": a.logout,
		"POST /v1/auth/verification/{verification}": a.verify,
		"POST /v1/activation/initiate":              a.initiateActivation,
		"PUT /v1/activation/{activation}/finish":    a.finishActivation,
	}
}

// login is POST /v1/auth: by password, or by a personal access token.
func (a *API) login(_ http.ResponseWriter, r *http.Request) (reply, error) {
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	if body.Has("token") {
		return a.tokenLogin(body)
	}
	_ = body.String("token") // null, which is as good as absent
	in := flow.Login{
		User:     body.String("user"),
		Password: body.String("password"),
		Hubless:  !body.Bool("hub", true),
		Remember: body.Bool("remember", false),
	}
	if err := body.Err(in.Validate()); err != nil {
		return reply{}, err
	}
	authentication, err := a.deps.Flow.Login(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(a.composer(r).Authentication(authentication.Account, authentication.Token)), nil
}

// tokenLogin logs in by a personal access token, of which none exist yet: every
// one is unknown.
func (a *API) tokenLogin(body *jsonbody.Object) (reply, error) {
	var v fault.Violations
	if token := body.String("token"); token == "" {
		v.Add("token", "validation.required")
	}
	body.Bool("hub", true)
	body.Bool("remember", false)
	if err := body.Err(v); err != nil {
		return reply{}, err
	}
	return reply{}, fault.New(fault.Unauthenticated, "fault.credentials")
}

// current is GET /v1/auth.
func (a *API) current(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	account, err := a.deps.Flow.Current(r.Context(), caller)
	if err != nil {
		return reply{}, err
	}
	return ok(a.composer(r).Current(account, caller.Resolved)), nil
}

// refresh is PUT /v1/auth.
func (a *API) refresh(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	authentication, err := a.deps.Flow.Refresh(r.Context(), caller)
	if err != nil {
		return reply{}, err
	}
	if caller.Cookie {
		a.deps.Edge.SetSession(w, authentication.Token)
	}
	return ok(a.composer(r).Authentication(authentication.Account, authentication.Token)), nil
}

// logout is DELETE /v1/auth.
func (a *API) logout(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := a.deps.Flow.Logout(r.Context(), caller); err != nil {
		return reply{}, err
	}
	if caller.Cookie {
		a.deps.Edge.ClearSession(w)
	}
	return ok(envelope.Empty{}), nil
}

// verify is POST /v1/auth/verification/{verification}.
func (a *API) verify(_ http.ResponseWriter, r *http.Request) (reply, error) {
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	opened, err := a.deps.Flow.OpenLink(r.Context(), r.PathValue("verification"))
	if err != nil {
		return reply{}, err
	}
	return ok(a.composer(r).Verification(opened.OpenedLink, a.deps.Product, opened.Token)), nil
}
