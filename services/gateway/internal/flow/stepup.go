package flow

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// StepUp asks the caller, who is logged in, for a second factor by a code: the
// strongest that they have. As at a login that is one by mail if they have no
// other, unless they came by mail. NotFound if they have nothing that would prove
// more; Forbidden as SendStepUpCode; Throttled if codes are asked for too often.
func (f *Flow) StepUp(ctx context.Context, c edge.Caller) (accounts.Challenge, error) {
	if err := stepOrSecure(c, false); err != nil {
		return accounts.Challenge{}, err
	}
	r := accounts.StepUpRequest{Actor: c.Actor()}
	if slices.Contains(c.Session.Methods, sessions.MethodMail) {
		r.Minimum = accounts.ChannelSMS
	}
	return f.deps.Accounts.StepUp(ctx, r)
}

// SendStepUpCode sends the code of such a challenge once more, or by another
// channel; 0 is the same one. Forbidden in a narrow session, while impersonating
// and by a personal access token; otherwise as SendCode.
func (f *Flow) SendStepUpCode(ctx context.Context, c edge.Caller, challenge int64, channel accounts.Channel) (accounts.Challenge, error) {
	if err := stepOrSecure(c, false); err != nil {
		return accounts.Challenge{}, err
	}
	return f.deps.Accounts.SendCode(ctx, accounts.SendCodeRequest{
		User: c.Session.User, Challenge: challenge, Channel: channel, Origin: edge.Origin(ctx),
	})
}

// ConfirmStepUp answers such a challenge. The session goes on with a fresh token
// and says what was proved; its earlier ones are void. Errors as ConfirmCode; a
// code that stands in for a lost factor does not do, and is not used up.
func (f *Flow) ConfirmStepUp(ctx context.Context, c edge.Caller, challenge int64, code string) (sessions.Token, error) {
	if err := stepOrSecure(c, false); err != nil {
		return sessions.Token{}, err
	}
	v := ValidateCode(code)
	if v == nil && standsIn(code) {
		v.Add("code", "validation.wrong_code")
	}
	if err := v.Err(); err != nil {
		return sessions.Token{}, err
	}
	if err := f.ready(ctx); err != nil { // the challenge works once
		return sessions.Token{}, err
	}
	confirmed, err := f.deps.Accounts.ConfirmCode(ctx, accounts.ConfirmCodeRequest{
		User: c.Session.User, Challenge: challenge, Code: code, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return sessions.Token{}, err
	}
	return f.elevate(ctx, sessions.ElevateRequest{
		Session: c.Session.ID, Methods: confirmedBy(c.Session.Methods, sessions.Method(confirmed.Method)),
		MFA: &confirmed.Challenge, Origin: edge.Origin(ctx),
	})
}

// standsIn tells whether a code is one of those that stand in for a factor: they
// have letters, and more than the six characters of the others.
func standsIn(code string) bool {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, code)
	return len(digits) != 6 || strings.ContainsFunc(code, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// StepUpByPasskey proves by a passkey, anew, that the caller is who they are. The
// session goes on as after ConfirmStepUp. Errors as PasskeyLogin; Conflict if the
// passkey is another account's; Forbidden as SendStepUpCode.
func (f *Flow) StepUpByPasskey(ctx context.Context, c edge.Caller, l PasskeyLogin) (sessions.Token, error) {
	if err := stepOrSecure(c, false); err != nil {
		return sessions.Token{}, err
	}
	if err := l.Validate().Err(); err != nil {
		return sessions.Token{}, err
	}
	if err := f.ready(ctx); err != nil { // an answer counts once
		return sessions.Token{}, err
	}
	identity, err := f.deps.Accounts.FinishPasskeyLogin(ctx, accounts.FinishPasskeyLoginRequest{
		Ceremony: l.Ceremony, Credential: l.Credential, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return sessions.Token{}, err
	}
	if identity.User.ID != c.Session.User {
		return sessions.Token{}, fault.New(fault.Conflict, "fault.passkey_of_another")
	}
	return f.elevate(ctx, sessions.ElevateRequest{
		Session: c.Session.ID, Methods: []sessions.Method{sessions.MethodKey, sessions.MethodMultiple}, Anew: true, Origin: edge.Origin(ctx),
	})
}

// StepUpByNewFactor makes a factor that waits for it one of the caller's, by its
// first code, and takes that as the proof: nobody needs to wait for the next one.
// The caller has to have logged in of late. Errors as ConfirmFactor.
func (f *Flow) StepUpByNewFactor(ctx context.Context, c edge.Caller, named api.Ref, code string) (accounts.ConfirmedFactor, sessions.Token, error) {
	confirmed, err := f.ConfirmFactor(ctx, c, named, code)
	if err != nil {
		return accounts.ConfirmedFactor{}, sessions.Token{}, err
	}
	method := sessions.MethodOTP
	if confirmed.Factor.Channel == accounts.ChannelSMS {
		method = sessions.MethodSMS
	}
	token, err := f.elevate(ctx, sessions.ElevateRequest{
		Session: c.Session.ID, Methods: confirmedBy(c.Session.Methods, method), Origin: edge.Origin(ctx),
	})
	return confirmed.ConfirmedFactor, token, err
}

func (f *Flow) elevate(ctx context.Context, r sessions.ElevateRequest) (sessions.Token, error) {
	token, err := f.deps.Sessions.Elevate(ctx, r)
	if err != nil {
		return sessions.Token{}, err
	}
	f.deps.Cache.Changed(r.Session)
	return token, nil
}
