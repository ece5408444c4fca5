package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// initiateRecovery is POST /v1/auth/recovery/initiate.
func (a *API) initiateRecovery(_ http.ResponseWriter, r *http.Request) (reply, error) {
	user, err := readUser(r)
	if err != nil {
		return reply{}, err
	}
	return done(a.deps.Flow.RequestRecovery(r.Context(), user))
}

// confirmRecovery is POST /v1/auth/recovery/confirm.
func (a *API) confirmRecovery(w http.ResponseWriter, r *http.Request) (reply, error) {
	return a.spend(w, r, sessions.ScopeRecoveryConfirm, a.deps.Flow.ConfirmRecovery)
}

// recoveries is GET /v1/recovery: what waits for the approval of the hub.
func (a *API) recoveries(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.HubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	q := query.Read(r)
	page := q.Page()
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	waiting, err := a.deps.Accounts.ListRecoveries(r.Context(), accounts.ListRequest{Actor: actor(caller), Page: page})
	if err != nil {
		return reply{}, err
	}
	return list(each(waiting.Recoveries, compose.RecoveryOf), page, waiting.Total), nil
}

// approveRecovery is POST /v1/recovery/{recovery}/approval.
func (a *API) approveRecovery(_ http.ResponseWriter, r *http.Request) (reply, error) {
	return a.decideRecovery(r, true)
}

// rejectRecovery is DELETE /v1/recovery/{recovery}/approval.
func (a *API) rejectRecovery(_ http.ResponseWriter, r *http.Request) (reply, error) {
	return a.decideRecovery(r, false)
}

func (a *API) decideRecovery(r *http.Request, approve bool) (reply, error) {
	caller, err := edge.HubSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := caller.Secure(); err != nil {
		return reply{}, err
	}
	if approve { // it lets somebody in; and a DELETE has no body
		if _, err := edge.FreshSession(r.Context()); err != nil {
			return reply{}, err
		}
		if err := jsonbody.None(r); err != nil {
			return reply{}, err
		}
	}
	recovery, err := ref(r, "recovery")
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.DecideRecovery(r.Context(), accounts.DecideRecoveryRequest{
		Actor: actor(caller), Recovery: recovery, Approve: approve,
	})
	return done(err)
}
