package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// switchHub is POST /v1/auth/hub/{hub}. A step that the hub asks for leaves the
// session, and so the cookie, as it is.
func (a *API) switchHub(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	hub, err := ref(r, "hub")
	if err != nil {
		return reply{}, err
	}
	outcome, err := a.deps.Flow.SwitchHub(r.Context(), caller, hub)
	if err == nil && outcome.In() {
		a.keep(w, caller, outcome.Token)
	}
	return a.entered(r)(outcome, err)
}

// leaveHub is DELETE /v1/auth/hub.
func (a *API) leaveHub(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	left, err := a.deps.Flow.LeaveHub(r.Context(), caller)
	if err != nil {
		return reply{}, err
	}
	a.keep(w, caller, left.Token)
	return ok(a.composer(r).Authentication(left.Account, left.Token)), nil
}
