package flow

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// PasskeyLogin is what a browser answers to log in.
type PasskeyLogin struct {
	Ceremony   string          // that it was asked in
	Credential json.RawMessage // AuthenticationResponseJSON
	Hubless    bool
	Hub        *int64 // as in Login
	Remember   bool   // for 30 days
}

// Validate finds what cannot be an answer.
func (l PasskeyLogin) Validate() fault.Violations {
	var v fault.Violations
	checkName(&v, "ceremony", l.Ceremony)
	if l.Credential == nil {
		v.Add("credential", "validation.required")
	}
	return v
}

// BeginPasskeyLogin asks a browser for any passkey of this site.
func (f *Flow) BeginPasskeyLogin(ctx context.Context) (accounts.PasskeyCeremony, error) {
	return f.deps.Accounts.BeginPasskeyLogin(ctx, accounts.BeginPasskeyLoginRequest{Origin: edge.Origin(ctx)})
}

// PasskeyLogin authenticates by a passkey and lets in, without a code: the device
// has verified its user, and has looked at the site's name. Invalid as Validate
// says; Unauthenticated whatever is wrong with the answer.
func (f *Flow) PasskeyLogin(ctx context.Context, l PasskeyLogin) (Outcome, error) {
	if err := l.Validate().Err(); err != nil {
		return Outcome{}, err
	}
	if err := f.ready(ctx); err != nil { // an answer counts once
		return Outcome{}, err
	}
	proved := f.deps.Cache.Now()
	identity, err := f.deps.Accounts.FinishPasskeyLogin(ctx, accounts.FinishPasskeyLoginRequest{
		Ceremony: l.Ceremony, Credential: l.Credential, Origin: edge.Origin(ctx),
	})
	if err != nil {
		return Outcome{}, err
	}
	e := identified(identity, accounts.ProofPasskey, sessions.MethodKey, sessions.MethodMultiple)
	e.proved, e.remember = proved, l.Remember
	e.goTo(l.Hub, l.Hubless)
	return f.enter(ctx, e)
}
