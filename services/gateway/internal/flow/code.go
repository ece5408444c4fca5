package flow

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// ValidateCode finds what cannot be a code of any kind.
func ValidateCode(code string) fault.Violations {
	var v fault.Violations
	checkName(&v, "code", code)
	return v
}

// ConfirmCode answers the challenge that the caller's session waits for, and lets
// in. The code is the one that was sent, one of an app, a recovery code, or that
// of an approved recovery. Forbidden if the session waits for no code; Invalid as
// ValidateCode says; Unauthenticated if the code is wrong or the challenge is
// over; Throttled after too many wrong ones.
func (f *Flow) ConfirmCode(ctx context.Context, c edge.Caller, code string) (Outcome, error) {
	challenge, err := challengeOf(c)
	if err != nil {
		return Outcome{}, err
	}
	if err := ValidateCode(code).Err(); err != nil {
		return Outcome{}, err
	}
	if err := f.ready(ctx); err != nil { // the challenge works once
		return Outcome{}, err
	}
	confirmed, err := f.deps.Accounts.ConfirmCode(ctx, accounts.ConfirmCodeRequest{
		User: c.Session.User, Challenge: challenge, Code: code, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Outcome{}, err
	}
	e := resumed(c.Session)
	e.challenge, e.methods = &confirmed.Challenge, confirmedBy(e.methods, sessions.Method(confirmed.Method))
	return f.enter(ctx, e)
}

// SendCode sends the code that the caller's session waits for once more, or by
// another channel; 0 is the same one. Forbidden if it waits for none;
// Unauthenticated if the challenge is over; Throttled if codes are asked for too
// often; Invalid if the user has no such channel or it is too weak.
func (f *Flow) SendCode(ctx context.Context, c edge.Caller, channel accounts.Channel) (accounts.Challenge, error) {
	challenge, err := challengeOf(c)
	if err != nil {
		return accounts.Challenge{}, err
	}
	return f.deps.Accounts.SendCode(ctx, accounts.SendCodeRequest{
		User: c.Session.User, Challenge: challenge, Channel: channel, Origin: edge.Origin(ctx),
	})
}

// challengeOf is the challenge that a session waits for.
func challengeOf(c edge.Caller) (int64, error) {
	if c.Session.MFA == nil {
		return 0, fault.New(fault.Forbidden, "fault.scope")
	}
	return *c.Session.MFA, c.Actor().Present()
}
