package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// full makes the document of somebody who is in.
type full func(compose.Composer, accounts.Account, sessions.Token) compose.Authentication

// document is what somebody is told who has come in, or up to a step.
func (a *API) document(r *http.Request, o flow.Outcome, in full) any {
	c := a.composer(r)
	if o.In() {
		return in(c, o.Account, o.Token)
	}
	return c.Step(o.Account, o.Challenge, o.Token)
}

// entered makes the reply of what lets people in.
func (a *API) entered(r *http.Request) func(flow.Outcome, error) (reply, error) {
	return func(o flow.Outcome, err error) (reply, error) {
		if err != nil {
			return reply{}, err
		}
		return ok(a.document(r, o, compose.Composer.Authentication)), nil
	}
}

// wentOn is entered for a caller whose session goes on by another token, or is
// replaced: a browser keeps that as its cookie.
func (a *API) wentOn(w http.ResponseWriter, r *http.Request, caller edge.Caller) func(flow.Outcome, error) (reply, error) {
	return func(o flow.Outcome, err error) (reply, error) {
		if err == nil {
			a.keep(w, caller, o.Token)
		}
		return a.entered(r)(o, err)
	}
}

// keep gives a browser that came with a cookie the next token.
func (a *API) keep(w http.ResponseWriter, caller edge.Caller, t sessions.Token) {
	if caller.Cookie {
		a.deps.Edge.SetSession(w, t)
	}
}

// forget takes the cookie from a browser that came with it.
func (a *API) forget(w http.ResponseWriter, caller edge.Caller) {
	if caller.Cookie {
		a.deps.Edge.ClearSession(w)
	}
}

// done is the reply of what only succeeds.
func done(err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return ok(envelope.Empty{}), nil
}
