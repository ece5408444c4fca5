package member

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// updateOneself changes the actor's profile. A new address takes the password,
// which is checked outside of the transaction, as that is slow.
func (m *Members) updateOneself(ctx context.Context, r accounts.UpdateMemberRequest, user store.User) (accounts.Member, error) {
	if err := mayUpdateOneself(r); err != nil {
		return accounts.Member{}, err
	}
	email, err := checkProfile(&r)
	if err != nil {
		return accounts.Member{}, err
	}
	hash := ""
	if r.Email != nil && email.Address != user.Email {
		if hash, err = m.o.Confirm(ctx, r.Actor, "current_password", r.CurrentPassword); err != nil {
			return accounts.Member{}, err
		}
	}
	var updated accounts.Member
	err = m.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		updated, err = m.writeProfile(ctx, tx, r)
		if err != nil || hash == "" {
			return err
		}
		return m.askForEmail(ctx, tx, r.Actor, email, hash)
	})
	if db.IsUnique(err) { // somebody else was faster
		err = aliasTaken()
	}
	if err != nil {
		return accounts.Member{}, err
	}
	return updated, nil
}

// mayUpdateOneself is Forbidden if something is given that others decide, or that
// takes the actor in person. A profile is the user's in all hubs, so nobody who
// acts as them in one of these changes it.
func mayUpdateOneself(r accounts.UpdateMemberRequest) error {
	if r.Role != nil || r.Impersonation != nil || r.Status != nil {
		return forbidden()
	}
	if r.Alias != nil || r.LoginConfirmation != nil || r.Email != nil {
		return r.Actor.InPerson()
	}
	return r.Actor.AsSelf()
}

func aliasTaken() error { return fault.Field("alias", "validation.taken") }

// checkProfile names what is wrong, and brings the rest into the form in which
// it is kept.
func checkProfile(r *accounts.UpdateMemberRequest) (email input.Email, _ error) {
	var v fault.Violations
	text := func(field string, value *string, clean func(*fault.Violations, string, string) string) *string {
		if value == nil {
			return nil
		}
		cleaned := clean(&v, field, *value)
		return &cleaned
	}
	r.FirstName = text("first_name", r.FirstName, input.Name)
	r.LastName = text("last_name", r.LastName, input.Name)
	r.Alias = text("alias", r.Alias, input.OptionalAlias)
	if r.Language != nil {
		input.Language(&v, "language", *r.Language)
	}
	if r.Locale != nil && (*r.Locale < 0 || *r.Locale > 1) {
		v.Add("locale", "validation.one_of", "Values", "0, 1")
	}
	if r.Email != nil {
		email = input.RequiredEmail(&v, "email", *r.Email)
		if r.CurrentPassword == "" {
			v.Add("current_password", "validation.required")
		}
	}
	return email, v.Err()
}

// writeProfile writes what is different. The user's row is kept from the start,
// so nobody changes it between the look at its revision and the end.
func (m *Members) writeProfile(ctx context.Context, tx *db.Tx, r accounts.UpdateMemberRequest) (accounts.Member, error) {
	user, before, err := lockOneself(ctx, tx, r)
	if err != nil {
		return accounts.Member{}, err
	}
	if r.Revision != nil && !r.Revision.Equal(before.ModifiedTime) {
		return accounts.Member{}, fault.New(fault.Conflict, "fault.modified")
	}
	var fields []string
	set(&fields, "first_name", &user.FirstName, r.FirstName)
	set(&fields, "last_name", &user.LastName, r.LastName)
	set(&fields, "alias", &user.Alias, r.Alias)
	set(&fields, "language", &user.Language, r.Language)
	set(&fields, "locale", &user.Locale, r.Locale)
	set(&fields, "statefulness", &user.Statefulness, r.Statefulness)
	set(&fields, "login_confirmation", &user.LoginConfirmation, r.LoginConfirmation)
	if len(fields) == 0 {
		return before, nil
	}
	if err := checkAlias(ctx, tx, user); err != nil {
		return accounts.Member{}, err
	}
	now := m.o.Clock.Now()
	if err := store.UpdateProfile(ctx, tx, user, store.Later(now, before.ModifiedTime)); err != nil {
		return accounts.Member{}, err
	}
	if err := store.RenameMember(ctx, tx, user); err != nil {
		return accounts.Member{}, err
	}
	if user.LoginConfirmation != before.User.LoginConfirmation {
		if err := m.tellOfConfirmation(ctx, tx, r.Actor, user, now); err != nil {
			return accounts.Member{}, err
		}
	}
	e := store.Did(store.UserUpdated, r.Actor, now)
	e.Detail = map[string]any{"fields": fields}
	if err := store.Record(ctx, tx, e); err != nil {
		return accounts.Member{}, err
	}
	if user, err = store.UserByID(ctx, tx, user.ID); err != nil {
		return accounts.Member{}, err
	}
	return oneself(ctx, tx, r.Actor, user)
}

func lockOneself(ctx context.Context, tx *db.Tx, r accounts.UpdateMemberRequest) (store.User, accounts.Member, error) {
	active, err := store.LockUser(ctx, tx, r.Actor.User)
	if err == nil && !active {
		err = fault.New(fault.Unauthenticated, "fault.session_expired")
	}
	if err != nil {
		return store.User{}, accounts.Member{}, err
	}
	user, err := store.UserByID(ctx, tx, r.Actor.User)
	if err != nil {
		return store.User{}, accounts.Member{}, err
	}
	member, err := oneself(ctx, tx, r.Actor, user)
	return user, member, err
}

func checkAlias(ctx context.Context, tx *db.Tx, user store.User) error {
	if user.Alias == "" {
		return nil
	}
	taken, err := store.AliasTaken(ctx, tx, user.Alias, user.ID)
	if err == nil && taken {
		err = aliasTaken()
	}
	return err
}

func (m *Members) tellOfConfirmation(ctx context.Context, tx *db.Tx, a api.Actor, user store.User, now time.Time) error {
	event := mail.LoginConfirmationOff
	if user.LoginConfirmation {
		event = mail.LoginConfirmationOn
	}
	return notice.Send(ctx, m.o.Outbox, tx, user, notice.Notice{Event: event, Origin: a.Origin, Time: now})
}
