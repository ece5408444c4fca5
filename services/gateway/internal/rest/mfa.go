package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// enroller is the session of somebody who may see and enrol factors: an open one,
// or one that is there for that.
func enroller(r *http.Request) (edge.Caller, error) {
	caller, err := edge.ScopedSession(r.Context(), flow.EnrolmentScopes()...)
	if err != nil {
		return edge.Caller{}, err
	}
	if caller.Session.Scope == sessions.ScopeFactorUpdate {
		return caller, nil
	}
	return caller, caller.Secure()
}

// factors is GET /v1/mfa.
func (a *API) factors(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := enroller(r)
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.ListFactors(r.Context(), accounts.ActorRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	return ok(compose.FactorListOf(found)), nil
}

// enrolFactor is POST /v1/mfa.
func (a *API) enrolFactor(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := enroller(r)
	if err == nil && caller.Session.Scope == sessions.ScopeFull {
		caller, err = edge.FreshSession(r.Context())
	}
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	if !body.Has("channel") {
		body.Null("channel")
		body.Add("channel", "validation.required")
	}
	in := accounts.EnrolFactorRequest{
		Actor: actor(caller), Channel: channelOf(body, accounts.ChannelSMS), Number: body.String("number"),
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	enrolment, err := a.deps.Accounts.EnrolFactor(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(compose.EnrolmentOf(enrolment)), nil
}

// confirmFactor is PUT /v1/mfa/{factor}.
func (a *API) confirmFactor(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := enroller(r)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	code := body.String("code")
	if err := body.Err(flow.ValidateCode(code)); err != nil {
		return reply{}, err
	}
	factor, err := ref(r, "factor")
	if err != nil {
		return reply{}, err
	}
	confirmed, err := a.deps.Flow.ConfirmFactor(r.Context(), caller, factor, code)
	if err != nil {
		return reply{}, err
	}
	var entered any
	if o := confirmed.Outcome; o != nil {
		a.keep(w, caller, o.Token)
		entered = a.document(r, *o, compose.Composer.Authentication)
	}
	return ok(compose.WithFactor(entered, confirmed.ConfirmedFactor)), nil
}

// removeFactor is DELETE /v1/mfa/{factor}, which takes the password.
func (a *API) removeFactor(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, password, err := withPassword(r)
	if err != nil {
		return reply{}, err
	}
	factor, err := ref(r, "factor")
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.RemoveFactor(r.Context(), accounts.RemoveFactorRequest{
		Actor: actor(caller), Factor: factor, Password: password,
	})
	return done(err)
}

// renewRecoveryCodes is POST /v1/mfa/recovery.
func (a *API) renewRecoveryCodes(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	codes, err := a.deps.Accounts.RenewRecoveryCodes(r.Context(), accounts.ActorRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	return ok(compose.RecoveryCodes(codes)), nil
}
