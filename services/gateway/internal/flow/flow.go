// Package flow is what a person does at the edge: log in, confirm it, open a
// mailed link, finish an activation, change the hub, act as somebody else, log
// out. The JSON API and the hosted pages both call these functions, with the
// context of a request that has passed the edge, and differ only in how they
// show what comes back.
//
// Whoever comes in, by whatever proof, comes through enter, and there the
// accounts service decides (Admit). If something has to happen first, the answer
// is an [Outcome] with a step and a token that opens only that step; whoever has
// taken it comes through enter again, with the narrow session in hand, which the
// next one replaces:
//
//	Login, TokenLogin, FinishReset, LogInByIdentity ──┐
//	OpenLink ── FinishActivation ─────────────────────┤
//	                                                  ├─ enter ─┬─ in
//	   ┌── ConfirmCode, ConfirmFactor, ───────────────┘         │
//	   │   ChangePassword, AcceptTerms                          │
//	   └──────────────── a step, a narrow token ────────────────┘
//
// A session that is open already changes its hub (SwitchHub, LeaveHub), acts as
// somebody else (Impersonate, StopImpersonation), or is stepped up (StepUp,
// ConfirmStepUp, StepUpByPasskey).
//
// No flow spans two databases in one transaction. Each is ordered so that
// whatever fails half-way leaves the person able to go on: what cannot be
// repeated comes last, or after a look at whether the rest can be done. What
// only one of two requests at once may do is decided by one service alone: a
// challenge or a link works once, and a narrow session is replaced once.
package flow

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// SessionCache forgets sessions that end or change here, and hears of the
// others.
type SessionCache interface {
	// Now is the time by the clock of the sessions service.
	Now() time.Time
	// Ended makes it refuse all tokens of the session.
	Ended(session int64)
	// Changed makes it ask again about the tokens of the session.
	Changed(session int64)
	// Heard tells whether the sessions service has answered within the last
	// second.
	Heard() bool
	// Reach asks the sessions service whether it is there, and what time it is.
	Reach(ctx context.Context) error
}

// Deps are what the flows need; all are required.
type Deps struct {
	Accounts accounts.Service
	Sessions sessions.Service
	OAuth    oauth.Service
	Cache    SessionCache
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

// describe gives the account of a session's user, in whose language the answer
// is unless the request asks for another. A user who is disabled meanwhile, or
// has left the hub, has no business with the session any more: it is ended.
func (f *Flow) describe(ctx context.Context, s sessions.Session) (accounts.Account, error) {
	account, err := f.deps.Accounts.Describe(ctx, accounts.DescribeRequest{User: s.User, Hub: s.Hub})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
		f.endSpent(ctx, s.ID)
		return accounts.Account{}, fault.New(fault.Unauthenticated, "fault.session_expired").Because(err)
	}
	if err != nil {
		return accounts.Account{}, err
	}
	if s.ProviderHub != nil { // it sees nothing of the others
		account.Hubs = slices.DeleteFunc(account.Hubs, func(h accounts.Hub) bool { return h.ID != *s.ProviderHub })
	}
	if s.Impersonator == nil { // else somebody else reads the answer
		edge.PreferLanguage(ctx, i18n.Language(account.User.Language))
	}
	return account, nil
}

// ready makes sure that a session could be opened now. What works once, or
// tells by its failure whether a guess was right, comes after it.
func (f *Flow) ready(ctx context.Context) error {
	if f.deps.Cache.Heard() {
		return nil
	}
	return f.deps.Cache.Reach(ctx)
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

// endSpent ends a session that is of no use any more: a narrow one that has done
// its work, or one of somebody who is gone. It opens nothing and expires soon, so
// the user need not hear if that fails.
func (f *Flow) endSpent(ctx context.Context, session int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := f.end(ctx, session); err != nil {
		f.deps.Logger.LogAttrs(ctx, slog.LevelWarn, "spent session not ended",
			slog.Int64("session", session), slog.String("error", err.Error()))
	}
}
