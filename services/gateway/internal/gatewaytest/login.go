package gatewaytest

import (
	"context"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// More of what the double of the accounts service knows.
const (
	Code               = "013120" // answers every challenge and confirms every factor
	RecoveryCode       = "abcde-fghij"
	EmailLink          = "3333333333333333333333333333333333333333"
	RecoveryLink       = "4444444444444444444444444444444444444444"
	ResetLink          = "5555555555555555555555555555555555555555"
	UnlockLink         = "6666666666666666666666666666666666666666"
	MemberHash         = "a13b1b362d914d12bbcf5de981e3a7f53d00a8d0"
	MemberID     int64 = 2
)

// gate is what stands between a proof and a session.
type gate struct {
	steps     []accounts.Step // what still has to be done
	challenge int64           // the newest
	open      bool            // it waits for its answer
	confirmed []int64
}

// Demand makes Admit ask for these steps, each once, in their order.
func (a *Accounts) Demand(steps ...accounts.Step) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gate.steps = steps
}

// Asked lists the requests that a method got.
func (a *Accounts) Asked(method string) []any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked[method])
}

// took notes the request of a call and gives the failure that is arranged for it.
func (a *Accounts) took(method string, r any) (unlock func(), err error) {
	unlock, err = a.called(method)
	a.asked[method] = append(a.asked[method], r)
	return unlock, err
}

func (a *Accounts) stepDone(s accounts.Step) {
	a.gate.steps = slices.DeleteFunc(slices.Clone(a.gate.steps), func(t accounts.Step) bool { return s == t })
}

// Admit implements accounts.Service.
func (a *Accounts) Admit(_ context.Context, r accounts.AdmitRequest) (accounts.Admission, error) {
	unlock, err := a.took("Admit", r)
	defer unlock()
	if err != nil {
		return accounts.Admission{}, err
	}
	hub := r.Hub
	if r.LastHub && len(a.account.Hubs) > 0 {
		hub = &a.account.Hubs[0].ID
	}
	account, err := a.describe(r.User, hub)
	if fault.Is(err, fault.Forbidden) && r.Fallback {
		account, err = a.describe(r.User, nil)
	}
	if err != nil {
		return accounts.Admission{}, err
	}
	admission := accounts.Admission{Account: account}
	if len(a.gate.steps) == 0 {
		return admission, nil
	}
	admission.Step = a.gate.steps[0]
	if admission.Step == accounts.StepCode {
		if r.Challenge != nil && slices.Contains(a.gate.confirmed, *r.Challenge) {
			panic("gatewaytest: a confirmed challenge is asked about again")
		}
		a.gate.challenge++
		a.gate.open = true
		admission.Challenge = &accounts.Challenge{ID: a.gate.challenge, Channel: accounts.ChannelEmail}
	}
	return admission, nil
}

// ConfirmCode implements accounts.Service.
func (a *Accounts) ConfirmCode(_ context.Context, r accounts.ConfirmCodeRequest) (accounts.Confirmation, error) {
	unlock, err := a.took("ConfirmCode", r)
	defer unlock()
	switch {
	case err != nil:
		return accounts.Confirmation{}, err
	case r.User != userID || !a.gate.open || r.Challenge != a.gate.challenge:
		return accounts.Confirmation{}, fault.New(fault.Unauthenticated, "fault.code_over")
	case r.Code != Code && r.Code != RecoveryCode:
		return accounts.Confirmation{}, fault.New(fault.Unauthenticated, "fault.code_wrong")
	}
	a.gate.open = false
	a.gate.confirmed = append(a.gate.confirmed, r.Challenge)
	a.stepDone(accounts.StepCode)
	confirmation := accounts.Confirmation{Challenge: r.Challenge, Method: "email"}
	if r.Code == RecoveryCode {
		confirmation.Method = "recovery"
	}
	return confirmation, nil
}

// SendCode implements accounts.Service.
func (a *Accounts) SendCode(_ context.Context, r accounts.SendCodeRequest) (accounts.Challenge, error) {
	unlock, err := a.took("SendCode", r)
	defer unlock()
	switch {
	case err != nil:
		return accounts.Challenge{}, err
	case !a.gate.open || r.Challenge != a.gate.challenge:
		return accounts.Challenge{}, fault.New(fault.Unauthenticated, "fault.code_over")
	}
	return accounts.Challenge{ID: r.Challenge, Channel: max(r.Channel, accounts.ChannelEmail)}, nil
}

// AcceptTerms implements accounts.Service.
func (a *Accounts) AcceptTerms(_ context.Context, r accounts.AcceptTermsRequest) (accounts.Identity, error) {
	unlock, err := a.took("AcceptTerms", r)
	defer unlock()
	switch {
	case err != nil:
		return accounts.Identity{}, err
	case !r.Terms:
		return accounts.Identity{}, fault.Field("terms", "validation.accepted")
	}
	a.stepDone(accounts.StepTerms)
	return a.identity(), nil
}

// Unlock implements accounts.Service.
func (a *Accounts) Unlock(_ context.Context, r accounts.OpenLinkRequest) (api.Nothing, error) {
	unlock, err := a.took("Unlock", r)
	defer unlock()
	switch {
	case err != nil:
	case r.Link != UnlockLink:
		err = fault.New(fault.NotFound, "fault.link_unknown")
	case a.opened[r.Link]:
		err = fault.New(fault.Gone, "fault.link_used")
	}
	a.opened[r.Link] = true
	return api.Nothing{}, err
}

// InitiateReset implements accounts.Service.
func (a *Accounts) InitiateReset(_ context.Context, r accounts.InitiateResetRequest) (api.Nothing, error) {
	unlock, err := a.took("InitiateReset", r)
	defer unlock()
	return api.Nothing{}, err
}

// FinishReset implements accounts.Service.
func (a *Accounts) FinishReset(_ context.Context, r accounts.FinishResetRequest) (accounts.Identity, error) {
	unlock, err := a.took("FinishReset", r)
	defer unlock()
	var v fault.Violations
	newPassword(&v, r.Password, r.PasswordConfirmation)
	switch {
	case err != nil:
		return accounts.Identity{}, err
	case r.Reset != ResetLink || a.opened[ResetLink]:
		return accounts.Identity{}, fault.New(fault.NotFound, "fault.link_unknown")
	case v != nil:
		return accounts.Identity{}, v.Err()
	}
	a.opened[ResetLink] = true
	return a.identity(), nil
}

// ChangePassword implements accounts.Service.
func (a *Accounts) ChangePassword(_ context.Context, r accounts.ChangePasswordRequest) (accounts.Identity, error) {
	unlock, err := a.took("ChangePassword", r)
	defer unlock()
	var v fault.Violations
	if !r.Forced && r.CurrentPassword != Password {
		v.Add("current_password", "validation.wrong_password")
	}
	newPassword(&v, r.Password, r.PasswordConfirmation)
	if err == nil {
		err = v.Err()
	}
	if err != nil {
		return accounts.Identity{}, err
	}
	a.stepDone(accounts.StepPassword)
	return a.identity(), nil
}

// ConfirmEmail implements accounts.Service.
func (a *Accounts) ConfirmEmail(_ context.Context, r accounts.ConfirmLinkRequest) (api.Nothing, error) {
	unlock, err := a.took("ConfirmEmail", r)
	defer unlock()
	return api.Nothing{}, err
}

// InitiateRecovery implements accounts.Service.
func (a *Accounts) InitiateRecovery(_ context.Context, r accounts.InitiateResetRequest) (api.Nothing, error) {
	unlock, err := a.took("InitiateRecovery", r)
	defer unlock()
	return api.Nothing{}, err
}

// ConfirmRecovery implements accounts.Service.
func (a *Accounts) ConfirmRecovery(_ context.Context, r accounts.ConfirmLinkRequest) (api.Nothing, error) {
	unlock, err := a.took("ConfirmRecovery", r)
	defer unlock()
	return api.Nothing{}, err
}
