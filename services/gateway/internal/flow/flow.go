// Package flow is what a person does at the edge: log in, open a mailed link,
// finish an activation, log out. The JSON API and the hosted pages both call
// these functions, with the context of a request that has passed the edge, and
// differ only in how they show what comes back.
//
// No flow spans two databases in one transaction. Each is ordered so that
// whatever fails half-way leaves the person able to go on: what cannot be
// repeated comes last, or after a look at whether the rest can be done.
package flow

import (
	"context"
	"log/slog"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// SessionCache forgets sessions that end here, and hears of the others.
type SessionCache interface {
	Ended(session int64)
	// Heard tells whether the sessions service has answered within the last
	// second.
	Heard() bool
}

// Deps are what the flows need; all are required.
type Deps struct {
	Accounts accounts.Service
	Sessions sessions.Service
	Cache    SessionCache
	Clock    clockwork.Clock
	Logger   *slog.Logger
}

// Flow runs the flows.
type Flow struct{ deps Deps }

// New makes a Flow.
func New(d Deps) *Flow { return &Flow{d} }

// Authentication is an account, as seen from a session, and a fresh token of
// that session.
type Authentication struct {
	Account accounts.Account
	Token   sessions.Token
}

// open opens a full session and describes the account in it. The description
// comes first: a session that nobody gets to see should not be opened.
func (f *Flow) open(ctx context.Context, i accounts.Identity, hubless bool, r sessions.CreateRequest) (Authentication, error) {
	if i.Hub != nil && !hubless {
		r.Hub = &i.Hub.ID
	}
	account, err := f.describe(ctx, i.User.ID, r.Hub)
	if err != nil {
		return Authentication{}, err
	}
	if account.Hub != nil {
		r.Limit = account.Hub.Settings.SessionLimit
	}
	r.User, r.UserHash, r.Scope, r.Origin = i.User.ID, i.User.Hash, sessions.ScopeFull, edge.Origin(ctx)
	token, err := f.deps.Sessions.Create(ctx, r)
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{Account: account, Token: token}, nil
}

// describe gives the account of a session's user, in whose language the answer
// is unless the request asks for another. A user who is disabled meanwhile, or
// has left the hub, has no business with the session any more.
func (f *Flow) describe(ctx context.Context, user int64, hub *int64) (accounts.Account, error) {
	account, err := f.deps.Accounts.Describe(ctx, accounts.DescribeRequest{User: user, Hub: hub})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
		return accounts.Account{}, fault.New(fault.Unauthenticated, "fault.session_expired").Because(err)
	}
	if err != nil {
		return accounts.Account{}, err
	}
	edge.PreferLanguage(ctx, i18n.Language(account.User.Language))
	return account, nil
}

// end ends a session and forgets it here at once; the other gateways hear of it
// by the feed.
func (f *Flow) end(ctx context.Context, session int64) error {
	if _, err := f.deps.Sessions.End(ctx, sessions.EndRequest{Session: session}); err != nil {
		return err
	}
	f.deps.Cache.Ended(session)
	return nil
}
