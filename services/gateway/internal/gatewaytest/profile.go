package gatewaytest

import (
	"context"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// GetProfile implements accounts.Service. The user says something of themselves.
func (a *Accounts) GetProfile(_ context.Context, r accounts.MemberRequest) (accounts.Profile, error) {
	unlock, err := a.took("GetProfile", r)
	defer unlock()
	if err == nil {
		err = r.Actor.AsSelf()
	}
	if err != nil {
		return accounts.Profile{}, err
	}
	return a.profile(r.Member)
}

func (a *Accounts) profile(who api.Ref) (accounts.Profile, error) {
	u := a.account.User
	if who.ID != u.ID && who.Hash != u.Hash {
		return accounts.Profile{}, fault.New(fault.Forbidden, "")
	}
	return accounts.Profile{
		User: u.ID, Hash: u.Hash, Nickname: "Titan", Birthdate: "1969-06-15",
		Address: accounts.Address{StreetAddress: "Säbener Straße 51\n<b>", Country: "DE"}, ModifiedTime: u.ModifiedTime,
	}, nil
}

// UpdateProfile implements accounts.Service. It keeps nothing, and takes https for
// the one rule that there is.
func (a *Accounts) UpdateProfile(_ context.Context, r accounts.UpdateProfileRequest) (accounts.Profile, error) {
	unlock, err := a.took("UpdateProfile", r)
	defer unlock()
	if err == nil {
		err = r.Actor.AsSelf()
	}
	if err == nil && r.Website != nil && strings.HasPrefix(*r.Website, "http:") {
		err = fault.Field("website", "validation.https")
	}
	if err != nil {
		return accounts.Profile{}, err
	}
	return a.profile(r.Member)
}
