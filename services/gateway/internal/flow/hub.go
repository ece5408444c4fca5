package flow

import (
	"context"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// SwitchHub moves the caller's session into another hub of its user's. If that
// hub asks for more than the session has, the outcome is a step, and the session
// stays where it is: what follows the step is a session of its own. NotFound if
// it is no hub of the user's; Forbidden if the user may not enter it, or is acted
// for by somebody else, who sees only the hub that they share.
func (f *Flow) SwitchHub(ctx context.Context, c edge.Caller, named api.Ref) (Outcome, error) {
	s := c.Session
	if s.Impersonator != nil {
		return Outcome{}, fault.New(fault.Forbidden, "fault.impersonating")
	}
	hub, err := f.findHub(ctx, c, named)
	if err != nil {
		return Outcome{}, err
	}
	e := resumed(s)
	e.hub, e.lenient, e.replaces = &hub, false, nil
	if s.PAT == nil {
		e.proof = accounts.ProofSession
	}
	admission, err := f.admit(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	if admission.Step != accounts.StepNone {
		e.methods = append(slices.Clone(e.methods), fromOpen)
		return f.open(ctx, e, admission)
	}
	r := sessions.SwitchHubRequest{Session: s.ID, Hub: &hub, Origin: edge.Origin(ctx)}
	if entered := admission.Account.Hub; entered != nil {
		r.Limit = entered.Settings.SessionLimit
	}
	token, err := f.deps.Sessions.SwitchHub(ctx, r)
	if err != nil {
		return Outcome{}, err
	}
	f.deps.Cache.Changed(s.ID)
	return Outcome{Account: admission.Account, Token: token}, nil
}

// findHub gives the id of a hub of the caller's.
func (f *Flow) findHub(ctx context.Context, c edge.Caller, named api.Ref) (int64, error) {
	outside := c.Session
	outside.Hub = nil
	account, err := f.describe(ctx, outside)
	if err != nil {
		return 0, err
	}
	for _, h := range account.Hubs {
		if h.ID == named.ID || (named.Hash != "" && h.Hash == named.Hash) {
			return h.ID, nil
		}
	}
	return 0, fault.New(fault.NotFound, "")
}

// LeaveHub moves the caller's session out of any hub. Forbidden while acting as
// somebody else, and in a session that counts for its hub alone.
func (f *Flow) LeaveHub(ctx context.Context, c edge.Caller) (Authentication, error) {
	if err := c.Actor().AsSelf(); err != nil {
		return Authentication{}, err
	}
	outside := c.Session
	outside.Hub = nil
	account, err := f.describe(ctx, outside)
	if err != nil {
		return Authentication{}, err
	}
	token, err := f.deps.Sessions.SwitchHub(ctx, sessions.SwitchHubRequest{Session: c.Session.ID, Origin: edge.Origin(ctx)})
	if err != nil {
		return Authentication{}, err
	}
	f.deps.Cache.Changed(c.Session.ID)
	return Authentication{Account: account, Token: token}, nil
}
