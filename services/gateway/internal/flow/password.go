package flow

import (
	"context"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// ValidateUser finds what cannot name a user, whoever is meant.
func ValidateUser(user string) fault.Violations {
	var v fault.Violations
	checkName(&v, "user", user)
	return v
}

// RequestReset mails a link that sets a new password to the user with that
// address or alias. It answers the same whether or not there is one. Invalid as
// ValidateUser says.
func (f *Flow) RequestReset(ctx context.Context, user string) error {
	if err := ValidateUser(user).Err(); err != nil {
		return err
	}
	_, err := f.deps.Accounts.InitiateReset(ctx, forgotten(ctx, user))
	return err
}

func forgotten(ctx context.Context, user string) accounts.InitiateResetRequest {
	return accounts.InitiateResetRequest{
		Login: user, Language: accounts.Language(edge.Language(ctx)), Origin: edge.Origin(ctx),
	}
}

// NewPassword is a password to set.
type NewPassword struct {
	// Current is the one so far, of somebody whose session is not there to change
	// it, or came to be so without a login.
	Current                string
	Password, Confirmation string
}

// FinishReset sets a new password by a mailed link and lets in; the user's other
// sessions end. NotFound if the link is unknown, used or expired; Invalid names
// every broken rule and leaves the link as it is.
func (f *Flow) FinishReset(ctx context.Context, link string, p NewPassword) (Outcome, error) {
	if !isHash(link) {
		return Outcome{}, errNoLink()
	}
	if err := f.ready(ctx); err != nil {
		return Outcome{}, err
	}
	identity, err := f.deps.Accounts.FinishReset(ctx, accounts.FinishResetRequest{
		Reset: link, Password: p.Password, PasswordConfirmation: p.Confirmation, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Outcome{}, err
	}
	e := identified(identity, accounts.ProofLink, sessions.MethodMail)
	e.proved = f.provedBy(identity.User)
	return f.enter(ctx, e)
}

// ChangePassword sets a new password. A session that is there for that goes on to
// the next step; an open one lives on with a fresh token, and its earlier ones
// are void. All other sessions of the user end. Forbidden in any other session, while impersonating and by a personal
// access token; Invalid if the current password is wrong, or names every broken
// rule; Throttled after too many wrong ones.
func (f *Flow) ChangePassword(ctx context.Context, c edge.Caller, p NewPassword) (Outcome, error) {
	waiting := c.Session.Scope == sessions.ScopePasswordUpdate
	if err := stepOrSecure(c, waiting); err != nil {
		return Outcome{}, err
	}
	if err := f.ready(ctx); err != nil {
		return Outcome{}, err
	}
	identity, err := f.deps.Accounts.ChangePassword(ctx, accounts.ChangePasswordRequest{
		Actor: c.Actor(), Forced: waiting && !slices.Contains(c.Session.Methods, fromOpen),
		CurrentPassword: p.Current, Password: p.Password, PasswordConfirmation: p.Confirmation,
	})
	if err != nil {
		return Outcome{}, err
	}
	if !waiting {
		return f.renew(ctx, c)
	}
	e := resumed(c.Session)
	e.proved = f.provedBy(identity.User)
	return f.enter(ctx, e)
}

// stepOrSecure refuses a session that neither is there for what is asked nor may
// touch the security of the account.
func stepOrSecure(c edge.Caller, step bool) error {
	switch {
	case step:
		return nil
	case c.Session.Scope != sessions.ScopeFull:
		return fault.New(fault.Forbidden, "fault.scope")
	}
	return c.Secure()
}

// renew gives a fresh token of an open session, which voids all earlier ones: who
// changes a password may do so because somebody else has such a token. The
// session goes where it is.
func (f *Flow) renew(ctx context.Context, c edge.Caller) (Outcome, error) {
	account, err := f.describe(ctx, c.Session)
	if err != nil {
		return Outcome{}, err
	}
	token, err := f.deps.Sessions.SwitchHub(ctx, sessions.SwitchHubRequest{
		Session: c.Session.ID, Hub: c.Session.Hub, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Outcome{}, err
	}
	f.deps.Cache.Changed(c.Session.ID)
	return Outcome{Account: account, Token: token}, nil
}
