package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// changePassword is PUT /v1/password. The current password counts in a session
// that is open already, or that one has led to; in one that is there for this by
// a login it has just been given.
func (a *API) changePassword(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.ScopedSession(r.Context(), sessions.ScopePasswordUpdate, sessions.ScopeFull)
	if err != nil {
		return reply{}, err
	}
	forced := caller.Session.Scope == sessions.ScopePasswordUpdate
	if err := caller.Secure(); err != nil && !forced {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := newPassword(body)
	in.Current = body.String("current_password")
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	return a.wentOn(w, r, caller)(a.deps.Flow.ChangePassword(r.Context(), caller, in))
}

// newPassword reads a password that is to be set. The accounts service names
// every rule that it breaks.
func newPassword(body *jsonbody.Object) flow.NewPassword {
	return flow.NewPassword{
		Password:     body.String("password"),
		Confirmation: body.String("password_confirmation"),
	}
}

// initiateReset is POST /v1/password/reset/initiate.
func (a *API) initiateReset(_ http.ResponseWriter, r *http.Request) (reply, error) {
	user, err := readUser(r)
	if err != nil {
		return reply{}, err
	}
	return done(a.deps.Flow.RequestReset(r.Context(), user))
}

// readUser reads a body that only says who is meant.
func readUser(r *http.Request) (string, error) {
	body, err := jsonbody.Read(r)
	if err != nil {
		return "", err
	}
	user := body.String("user")
	return user, body.Err(flow.ValidateUser(user))
}

// finishReset is POST /v1/password/reset/{reset}/finish.
func (a *API) finishReset(_ http.ResponseWriter, r *http.Request) (reply, error) {
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := newPassword(body)
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	return a.entered(r)(a.deps.Flow.FinishReset(r.Context(), r.PathValue("reset"), in))
}

// withPassword is the caller of what takes their password to be done, and the
// password, which is all that the body has.
func withPassword(r *http.Request) (edge.Caller, string, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return edge.Caller{}, "", err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return edge.Caller{}, "", err
	}
	password := body.String("password")
	return caller, password, body.Err(flow.ValidatePassword("password", password))
}
