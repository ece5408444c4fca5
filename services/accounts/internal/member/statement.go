package member

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Profile gives what the actor says of themselves.
func (m *Members) Profile(ctx context.Context, r accounts.MemberRequest) (accounts.Profile, error) {
	user, err := m.ownProfile(ctx, r)
	if err != nil {
		return accounts.Profile{}, err
	}
	return m.o.Profile(ctx, m.o.DB, user)
}

// ownProfile is the actor's account, if that is whom the request names and who
// asks: what people say of themselves is neither their hubs' nor theirs who act
// in their name.
func (m *Members) ownProfile(ctx context.Context, r accounts.MemberRequest) (store.User, error) {
	user, err := directory.ActingUser(ctx, m.o.DB, r.Actor)
	if err != nil {
		return store.User{}, err
	}
	if names(r.Member, user) {
		return user, r.Actor.AsSelf()
	}
	if _, err := m.Get(ctx, r); err != nil {
		return store.User{}, err
	}
	return store.User{}, forbidden()
}

// UpdateProfile changes what the actor says of themselves.
func (m *Members) UpdateProfile(ctx context.Context, r accounts.UpdateProfileRequest) (accounts.Profile, error) {
	user, err := m.ownProfile(ctx, accounts.MemberRequest{Actor: r.Actor, Member: r.Member})
	if err != nil {
		return accounts.Profile{}, err
	}
	if err := checkStatements(&r, input.Today(m.o.Clock.Now())); err != nil {
		return accounts.Profile{}, err
	}
	var updated accounts.Profile
	err = m.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		updated, err = m.writeStatements(ctx, tx, user.ID, r)
		return err
	})
	return updated, err
}

// writeStatements writes what is different. The user's row is kept from the
// start, so nobody changes it between the look at its revision and the end.
func (m *Members) writeStatements(ctx context.Context, tx *db.Tx, id int64, r accounts.UpdateProfileRequest) (accounts.Profile, error) {
	active, err := store.LockUser(ctx, tx, id)
	if err == nil && !active {
		err = fault.New(fault.Unauthenticated, "fault.session_expired")
	}
	if err != nil {
		return accounts.Profile{}, err
	}
	user, err := store.UserByID(ctx, tx, id)
	if err != nil {
		return accounts.Profile{}, err
	}
	before, err := m.o.Profile(ctx, tx, user)
	if err != nil {
		return accounts.Profile{}, err
	}
	if r.Revision != nil && !r.Revision.Equal(before.ModifiedTime) {
		return accounts.Profile{}, fault.New(fault.Conflict, "fault.modified")
	}
	after := before
	fields := setStatements(&after, r)
	if len(fields) == 0 {
		return before, nil
	}
	now := m.o.Clock.Now()
	if err := store.SaveProfile(ctx, tx, id, after, store.Later(now, before.ModifiedTime)); err != nil {
		return accounts.Profile{}, err
	}
	e := store.Did(store.UserUpdated, r.Actor, now)
	e.Detail = map[string]any{"fields": fields}
	if err := store.Record(ctx, tx, e); err != nil {
		return accounts.Profile{}, err
	}
	return m.o.Profile(ctx, tx, user)
}

// setStatements changes what is different, and names it.
func setStatements(p *accounts.Profile, r accounts.UpdateProfileRequest) (fields []string) {
	set(&fields, "middle_name", &p.MiddleName, r.MiddleName)
	set(&fields, "nickname", &p.Nickname, r.Nickname)
	set(&fields, "profile", &p.Profile, r.Profile)
	set(&fields, "website", &p.Website, r.Website)
	set(&fields, "gender", &p.Gender, r.Gender)
	set(&fields, "birthdate", &p.Birthdate, r.Birthdate)
	set(&fields, "zoneinfo", &p.Zoneinfo, r.Zoneinfo)
	set(&fields, "locale", &p.Locale, r.Locale)
	set(&fields, "phone_number", &p.PhoneNumber, r.PhoneNumber)
	a, to := &p.Address, r.Address
	set(&fields, "address.formatted", &a.Formatted, to.Formatted)
	set(&fields, "address.street_address", &a.StreetAddress, to.StreetAddress)
	set(&fields, "address.locality", &a.Locality, to.Locality)
	set(&fields, "address.region", &a.Region, to.Region)
	set(&fields, "address.postal_code", &a.PostalCode, to.PostalCode)
	set(&fields, "address.country", &a.Country, to.Country)
	return fields
}

// checkStatements names what is wrong, and brings the rest into the form in which
// it is kept.
func checkStatements(r *accounts.UpdateProfileRequest, today input.Day) error {
	var v fault.Violations
	clean := func(field string, value **string, check func(*fault.Violations, string, string) string) {
		if *value != nil {
			cleaned := check(&v, field, **value)
			*value = &cleaned
		}
	}
	clean("middle_name", &r.MiddleName, input.OptionalName)
	clean("nickname", &r.Nickname, input.OptionalName)
	clean("profile", &r.Profile, input.OptionalURL)
	clean("website", &r.Website, input.OptionalURL)
	clean("gender", &r.Gender, input.Line)
	clean("birthdate", &r.Birthdate, today.Birthdate)
	clean("zoneinfo", &r.Zoneinfo, input.Zone)
	clean("locale", &r.Locale, input.Locale)
	clean("phone_number", &r.PhoneNumber, input.OptionalPhone)
	a := &r.Address
	clean("address.formatted", &a.Formatted, input.Lines)
	clean("address.street_address", &a.StreetAddress, input.Lines)
	clean("address.locality", &a.Locality, input.Line)
	clean("address.region", &a.Region, input.Line)
	clean("address.postal_code", &a.PostalCode, input.Line)
	clean("address.country", &a.Country, input.Line)
	return v.Err()
}
