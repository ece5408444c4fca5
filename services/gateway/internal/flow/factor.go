package flow

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// EnrolmentScopes are the scopes of which one may see and enrol factors.
func EnrolmentScopes() []sessions.Scope {
	return []sessions.Scope{sessions.ScopeFull, sessions.ScopeFactorUpdate}
}

// Confirmed is a factor that works from now on, and where that has led.
type Confirmed struct {
	accounts.ConfirmedFactor
	// Outcome is nil in a session that was open already, and goes on as it was.
	Outcome *Outcome
}

// ConfirmFactor makes a factor that waits for it one of the caller's, by a code.
// A session that is there for that goes on to the next step. Forbidden in any
// other narrow one, while impersonating and by a personal access token; NotFound
// if it is no factor of the caller's; Invalid if the code is wrong; Conflict if it
// is confirmed already.
func (f *Flow) ConfirmFactor(ctx context.Context, c edge.Caller, named api.Ref, code string) (Confirmed, error) {
	waiting := c.Session.Scope == sessions.ScopeFactorUpdate
	if err := stepOrSecure(c, waiting); err != nil {
		return Confirmed{}, err
	}
	if err := ValidateCode(code).Err(); err != nil {
		return Confirmed{}, err
	}
	if err := f.ready(ctx); err != nil { // recovery codes are shown once
		return Confirmed{}, err
	}
	factor, err := f.deps.Accounts.ConfirmFactor(ctx, accounts.ConfirmFactorRequest{Actor: c.Actor(), Factor: named, Code: code})
	if err != nil {
		return Confirmed{}, err
	}
	if !waiting {
		return Confirmed{ConfirmedFactor: factor}, nil
	}
	outcome, err := f.enter(ctx, resumed(c.Session))
	if err != nil {
		return Confirmed{}, err
	}
	return Confirmed{ConfirmedFactor: factor, Outcome: &outcome}, nil
}
