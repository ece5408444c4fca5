package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// impersonate is POST /v1/auth/impersonation/{user}.
func (a *API) impersonate(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	member, err := ref(r, "user")
	if err != nil {
		return reply{}, err
	}
	acting, err := a.deps.Flow.Impersonate(r.Context(), caller, member)
	if err != nil {
		return reply{}, err
	}
	a.keep(w, caller, acting.Token)
	return ok(a.composer(r).Impersonated(acting.Account, acting.Token)), nil
}

// stopImpersonation is DELETE /v1/auth/impersonation.
func (a *API) stopImpersonation(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	own, err := a.deps.Flow.StopImpersonation(r.Context(), caller)
	if err != nil {
		return reply{}, err
	}
	a.keep(w, caller, own.Token)
	return ok(a.composer(r).ImpersonationEnded(own.Account, own.Token)), nil
}
