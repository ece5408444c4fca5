package flow

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Impersonate opens a session in which the caller acts as a member of the hub
// that the caller is in. NotFound if there is no such member; Forbidden if the
// caller may not do that, does it already, or came by a personal access token.
func (f *Flow) Impersonate(ctx context.Context, c edge.Caller, member api.Ref) (Authentication, error) {
	if err := c.Secure(); err != nil {
		return Authentication{}, err
	}
	if c.Session.Hub == nil {
		return Authentication{}, fault.New(fault.Forbidden, "fault.hub_required")
	}
	identity, err := f.deps.Accounts.Impersonate(ctx, accounts.MemberRequest{Actor: c.Actor(), Member: member})
	if err != nil {
		return Authentication{}, err
	}
	// The reader of the answer is still the caller, whose language stays. Whoever
	// has lost access meanwhile is none to act as.
	account, err := f.deps.Accounts.Describe(ctx, accounts.DescribeRequest{User: identity.User.ID, Hub: c.Session.Hub})
	if err != nil {
		return Authentication{}, err
	}
	token, err := f.deps.Sessions.Impersonate(ctx, sessions.ImpersonateRequest{
		Session: c.Session.ID, User: identity.User.ID, UserHash: identity.User.Hash, Hub: *c.Session.Hub,
		Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{Account: account, Token: token}, nil
}

// StopImpersonation ends the session in which the caller acts as somebody else
// and goes back to the caller's own. Forbidden if it is none; Unauthenticated if
// the caller's own has ended.
func (f *Flow) StopImpersonation(ctx context.Context, c edge.Caller) (Authentication, error) {
	if c.Session.Impersonator == nil {
		return Authentication{}, fault.New(fault.Forbidden, "fault.not_impersonating")
	}
	token, err := f.deps.Sessions.StopImpersonation(ctx, sessions.StopImpersonationRequest{
		Session: c.Session.ID, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Authentication{}, err
	}
	f.deps.Cache.Ended(c.Session.ID)
	// Which hub the caller's own session is in, only it knows. If this fails the
	// person has their own token from before, which goes on working.
	account, err := f.describe(ctx, token.Session)
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{Account: account, Token: token}, nil
}
