package rest

import (
	"context"
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// confirmCode is POST /v1/auth/code.
func (a *API) confirmCode(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.ScopedSession(r.Context(), sessions.ScopeCode, sessions.ScopeFull)
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
	return a.wentOn(w, r, caller)(a.deps.Flow.ConfirmCode(r.Context(), caller, code))
}

// sendCode is POST /v1/auth/code/send.
func (a *API) sendCode(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.ScopedSession(r.Context(), sessions.ScopeCode)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.ReadOptional(r)
	if err != nil {
		return reply{}, err
	}
	body.Null("channel") // as good as absent
	channel := channelOf(body, accounts.ChannelEmail)
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	_, err = a.deps.Flow.SendCode(r.Context(), caller, channel)
	return done(err)
}

// channelOf reads a channel from the least on; 0 if there is none.
func channelOf(body *jsonbody.Object, least accounts.Channel) accounts.Channel {
	channel := body.IntPtr("channel")
	if channel == nil {
		return 0
	}
	if c := accounts.Channel(*channel); c >= least && c <= accounts.ChannelApp {
		return c
	}
	body.Add("channel", "validation.between", "Min", int(least), "Max", int(accounts.ChannelApp))
	return 0
}

// acceptTerms is PUT /v1/auth/terms.
func (a *API) acceptTerms(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.ScopedSession(r.Context(), sessions.ScopeTermsConfirm, sessions.ScopeFull)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	terms := body.Bool("terms", false)
	if !terms {
		body.Add("terms", "validation.accepted")
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	return a.wentOn(w, r, caller)(a.deps.Flow.AcceptTerms(r.Context(), caller, terms))
}

// confirmEmail is PUT /v1/auth/email.
func (a *API) confirmEmail(w http.ResponseWriter, r *http.Request) (reply, error) {
	return a.spend(w, r, sessions.ScopeEmailConfirm, a.deps.Flow.ConfirmEmail)
}

// spend does what a link was mailed for, with which its session ends.
func (a *API) spend(w http.ResponseWriter, r *http.Request, scope sessions.Scope, do func(context.Context, edge.Caller) error) (reply, error) {
	caller, err := edge.ScopedSession(r.Context(), scope)
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	if err := do(r.Context(), caller); err != nil {
		return reply{}, err
	}
	a.forget(w, caller)
	return done(nil)
}

// unlock is POST /v1/auth/unlock/{unlock}.
func (a *API) unlock(_ http.ResponseWriter, r *http.Request) (reply, error) {
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	return done(a.deps.Flow.Unlock(r.Context(), r.PathValue("unlock")))
}
