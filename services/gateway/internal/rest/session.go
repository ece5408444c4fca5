package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// sessions is GET /v1/session: one's own, the last used one first.
func (a *API) sessions(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	q := query.Read(r)
	page := q.Page()
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.Flow.Sessions(r.Context(), caller, page)
	if err != nil {
		return reply{}, err
	}
	open := each(found.Sessions, func(o sessions.Opened) compose.OpenSession {
		return compose.OpenSessionOf(o, caller.Session.ID)
	})
	return list(open, page, found.Total), nil
}

// endSession is DELETE /v1/session/{session}.
func (a *API) endSession(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	named, err := ref(r, "session")
	if err != nil {
		return reply{}, err
	}
	ended, err := a.deps.Flow.EndSession(r.Context(), caller, named)
	if err == nil && ended == caller.Session.ID {
		a.forget(w, caller)
	}
	return done(err)
}

// endOtherSessions is DELETE /v1/session.
func (a *API) endOtherSessions(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	return done(a.deps.Flow.EndOtherSessions(r.Context(), caller))
}
