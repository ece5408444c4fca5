package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// authRoutes are the endpoints by which people come in and go, and by which they
// look after how they do.
func (a *API) authRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /v1/auth":           a.login,
		"GET /v1/auth":            a.current,
		"PUT /v1/auth":            a.refresh,
		"DELETE /v1/auth":         a.logout,
		"POST /v1/auth/code":      a.confirmCode,
		"POST /v1/auth/code/send": a.sendCode,
		"PUT /v1/auth/terms":      a.acceptTerms,

		"POST /v1/auth/hub/{hub}":            a.switchHub,
		"DELETE /v1/auth/hub":                a.leaveHub,
		"POST /v1/auth/impersonation/{user}": a.impersonate,
		"DELETE /v1/auth/impersonation":      a.stopImpersonation,

		"POST /v1/auth/verification/{verification}": a.verify,
		"PUT /v1/auth/email":                        a.confirmEmail,
		"POST /v1/auth/unlock/{unlock}":             a.unlock,
		"POST /v1/activation/initiate":              a.initiateActivation,
		"PUT /v1/activation/{activation}/finish":    a.finishActivation,

		"PUT /v1/password":                       a.changePassword,
		"POST /v1/password/reset/initiate":       a.initiateReset,
		"POST /v1/password/reset/{reset}/finish": a.finishReset,

		"POST /v1/auth/recovery/initiate":         a.initiateRecovery,
		"POST /v1/auth/recovery/confirm":          a.confirmRecovery,
		"GET /v1/recovery":                        a.recoveries,
		"POST /v1/recovery/{recovery}/approval":   a.approveRecovery,
		"DELETE /v1/recovery/{recovery}/approval": a.rejectRecovery,
		"GET /v1/auth/identity":                   a.identityProviders,
		"POST /v1/auth/identity/{type}/state":     a.beginIdentity,
		"POST /v1/auth/identity/{type}":           a.finishIdentity,

		"GET /v1/mfa":             a.factors,
		"POST /v1/mfa":            a.enrolFactor,
		"PUT /v1/mfa/{factor}":    a.confirmFactor,
		"DELETE /v1/mfa/{factor}": a.removeFactor,
		"POST /v1/mfa/recovery":   a.renewRecoveryCodes,

		"GET /v1/token":                a.accessTokens,
		"POST /v1/token":               a.createAccessToken,
		"DELETE /v1/token/{token}":     a.deleteAccessToken,
		"GET /v1/session":              a.sessions,
		"DELETE /v1/session":           a.endOtherSessions,
		"DELETE /v1/session/{session}": a.endSession,
	}
}

// login is POST /v1/auth: by password, or by a personal access token.
func (a *API) login(_ http.ResponseWriter, r *http.Request) (reply, error) {
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	if body.Has("token") {
		return a.tokenLogin(r, body)
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
	return a.entered(r)(a.deps.Flow.Login(r.Context(), in))
}

func (a *API) tokenLogin(r *http.Request, body *jsonbody.Object) (reply, error) {
	in := flow.TokenLogin{
		Token:    body.String("token"),
		Hubless:  !body.Bool("hub", true),
		Remember: body.Bool("remember", false),
	}
	if err := body.Err(in.Validate()); err != nil {
		return reply{}, err
	}
	return a.entered(r)(a.deps.Flow.TokenLogin(r.Context(), in))
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
	a.keep(w, caller, authentication.Token)
	return ok(a.composer(r).Authentication(authentication.Account, authentication.Token)), nil
}

// logout is DELETE /v1/auth. A session of any scope may end itself.
func (a *API) logout(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.Session(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := a.deps.Flow.Logout(r.Context(), caller); err != nil {
		return reply{}, err
	}
	a.forget(w, caller)
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
	return ok(a.composer(r).Verification(opened.OpenedLink, opened.Token)), nil
}
