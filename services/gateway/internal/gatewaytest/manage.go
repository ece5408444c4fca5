package gatewaytest

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// FactorID is the factor, and RecoveryID the request, that the double of the
// accounts service knows.
const (
	FactorID   int64 = 3
	RecoveryID int64 = 4
)

// secured is Forbidden for whoever acts for somebody.
func secured(err error, actor api.Actor) error {
	if err != nil {
		return err
	}
	return actor.InPerson()
}

// Impersonate implements accounts.Service. Owners may act as the other member.
func (a *Accounts) Impersonate(_ context.Context, r accounts.MemberRequest) (accounts.Identity, error) {
	unlock, err := a.took("Impersonate", r)
	defer unlock()
	switch {
	case err != nil:
		return accounts.Identity{}, err
	case r.Actor.User != userID || r.Actor.InPerson() != nil || r.Actor.Hub == nil:
		return accounts.Identity{}, fault.New(fault.Forbidden, "")
	case r.Member != api.Ref{ID: MemberID} && r.Member != api.Ref{Hash: MemberHash}:
		return accounts.Identity{}, fault.New(fault.NotFound, "")
	}
	return accounts.Identity{User: member(a.account.User)}, nil
}

func (a *Accounts) factor(confirmed bool) accounts.Factor {
	at := a.account.User.RegistrationTime
	return accounts.Factor{
		ID: FactorID, Hash: "3a3b1b362d914d12bbcf5de981e3a7f53d00a8d0", Channel: accounts.ChannelApp, Confirmed: confirmed,
		CreatedTime: at, ModifiedTime: at,
	}
}

// ListFactors implements accounts.Service.
func (a *Accounts) ListFactors(_ context.Context, r accounts.ActorRequest) (accounts.FactorList, error) {
	unlock, err := a.took("ListFactors", r)
	defer unlock()
	if err := secured(err, r.Actor); err != nil {
		return accounts.FactorList{}, err
	}
	used := a.account.User.RegistrationTime.Add(time.Hour)
	phone := a.factor(true)
	phone.ID, phone.Channel, phone.Number, phone.LastUsedTime = 8, accounts.ChannelSMS, "+49 ••• 89", &used
	return accounts.FactorList{Factors: []accounts.Factor{a.factor(false), phone}, RecoveryCodes: 9}, nil
}

// EnrolFactor implements accounts.Service.
func (a *Accounts) EnrolFactor(_ context.Context, r accounts.EnrolFactorRequest) (accounts.Enrolment, error) {
	unlock, err := a.took("EnrolFactor", r)
	defer unlock()
	switch {
	case secured(err, r.Actor) != nil:
		return accounts.Enrolment{}, secured(err, r.Actor)
	case r.Channel == accounts.ChannelSMS && r.Number == "":
		return accounts.Enrolment{}, fault.Field("number", "validation.phone")
	}
	return accounts.Enrolment{Factor: a.factor(false), Secret: "JBSWY3DP", URI: "otpauth://totp/Gatehouse", QR: "<svg/>"}, nil //nolint:gosec // G101: the secret of nobody.
}

// ConfirmFactor implements accounts.Service.
func (a *Accounts) ConfirmFactor(_ context.Context, r accounts.ConfirmFactorRequest) (accounts.ConfirmedFactor, error) {
	unlock, err := a.took("ConfirmFactor", r)
	defer unlock()
	switch {
	case secured(err, r.Actor) != nil:
		return accounts.ConfirmedFactor{}, secured(err, r.Actor)
	case r.Factor.ID != FactorID:
		return accounts.ConfirmedFactor{}, fault.New(fault.NotFound, "")
	case r.Code != Code:
		return accounts.ConfirmedFactor{}, fault.Field("code", "validation.wrong_code")
	}
	a.stepDone(accounts.StepFactor)
	return accounts.ConfirmedFactor{Factor: a.factor(true), RecoveryCodes: []string{RecoveryCode}}, nil
}

// RemoveFactor implements accounts.Service.
func (a *Accounts) RemoveFactor(_ context.Context, r accounts.RemoveFactorRequest) (api.Nothing, error) {
	unlock, err := a.took("RemoveFactor", r)
	defer unlock()
	switch {
	case secured(err, r.Actor) != nil:
		return api.Nothing{}, secured(err, r.Actor)
	case r.Password != Password:
		return api.Nothing{}, fault.Field("password", "validation.wrong_password")
	case r.Factor.ID != FactorID:
		return api.Nothing{}, fault.New(fault.NotFound, "")
	}
	return api.Nothing{}, nil
}

// RenewRecoveryCodes implements accounts.Service.
func (a *Accounts) RenewRecoveryCodes(_ context.Context, r accounts.ActorRequest) (accounts.RecoveryCodes, error) {
	unlock, err := a.took("RenewRecoveryCodes", r)
	defer unlock()
	return accounts.RecoveryCodes{Codes: []string{RecoveryCode}}, secured(err, r.Actor)
}

// ListRecoveries implements accounts.Service.
func (a *Accounts) ListRecoveries(_ context.Context, r accounts.ListRequest) (accounts.RecoveryList, error) {
	unlock, err := a.took("ListRecoveries", r)
	defer unlock()
	at := a.account.User.RegistrationTime
	return accounts.RecoveryList{
		Recoveries: []accounts.Recovery{{
			ID: RecoveryID, Hash: "4a3b1b362d914d12bbcf5de981e3a7f53d00a8d0", User: member(a.account.User),
			Address: "192.0.2.7", UserAgent: "Firefox", CreatedTime: at, ConfirmedTime: at, ModifiedTime: at,
		}},
		Total: 1,
	}, err
}

// DecideRecovery implements accounts.Service.
func (a *Accounts) DecideRecovery(_ context.Context, r accounts.DecideRecoveryRequest) (api.Nothing, error) {
	unlock, err := a.took("DecideRecovery", r)
	defer unlock()
	if err == nil && r.Recovery.ID != RecoveryID {
		err = fault.New(fault.NotFound, "")
	}
	return api.Nothing{}, err
}

// FindIdentity implements accounts.Service.
func (a *Accounts) FindIdentity(_ context.Context, r accounts.UpstreamIdentity) (accounts.Identity, error) {
	unlock, err := a.took("FindIdentity", r)
	defer unlock()
	switch {
	case err != nil:
		return accounts.Identity{}, err
	case r.Subject != UpstreamSubject:
		return accounts.Identity{}, fault.New(fault.Unauthenticated, "fault.identity_unknown")
	}
	return a.identity(), nil
}

// LinkIdentity implements accounts.Service.
func (a *Accounts) LinkIdentity(_ context.Context, r accounts.LinkIdentityRequest) (accounts.LinkedIdentity, error) {
	unlock, err := a.took("LinkIdentity", r)
	defer unlock()
	return accounts.LinkedIdentity{ID: 1, Provider: r.Identity.Provider}, secured(err, r.Actor)
}
