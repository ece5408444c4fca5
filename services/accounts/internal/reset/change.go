package reset

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Change sets the password of a user who is logged in, and ends their other
// sessions. Who has to change it need not give the current one again.
func (p *Passwords) Change(ctx context.Context, r accounts.ChangePasswordRequest) (accounts.Identity, error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.Identity{}, err
	}
	user, due, err := p.changer(ctx, r)
	if err != nil {
		return accounts.Identity{}, err
	}
	var v fault.Violations
	chosen := choice{r.Password, r.PasswordConfirmation}
	chosen.check(&v, user)
	forced := r.Forced && due // that it has to be changed is not for the caller to say
	if !forced && r.CurrentPassword == "" {
		v.Add("current_password", "validation.required")
	}
	if err := v.Err(); err != nil {
		return accounts.Identity{}, err
	}
	current, err := p.current(ctx, r, forced)
	if err != nil {
		return accounts.Identity{}, err
	}
	hash, err := p.hash(ctx, user, r.Actor.Origin.Address, chosen)
	if err != nil {
		return accounts.Identity{}, err
	}
	var identity accounts.Identity
	err = p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		identity, err = p.change(ctx, tx, current, hash, r)
		return err
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identity, nil
}

// changer is the user, and whether the password has to be changed.
func (p *Passwords) changer(ctx context.Context, r accounts.ChangePasswordRequest) (user store.User, due bool, _ error) {
	user, err := store.UserByID(ctx, p.o.DB, r.Actor.User)
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return store.User{}, false, fault.New(fault.NotFound, "")
	}
	if err != nil {
		return store.User{}, false, err
	}
	account, _, err := p.o.Directory.Account(ctx, p.o.DB, user, r.Actor.Hub)
	return user, account.User.PasswordUpdate, err
}

// current is the hash of the password that is changed.
func (p *Passwords) current(ctx context.Context, r accounts.ChangePasswordRequest, forced bool) (string, error) {
	if forced {
		return store.CredentialOf(ctx, p.o.DB, r.Actor.User)
	}
	return p.o.Login.Confirm(ctx, r.Actor, "current_password", r.CurrentPassword)
}

// change stores the new password unless the account has changed since the
// current one was checked.
func (p *Passwords) change(ctx context.Context, tx *db.Tx, current, hash string, r accounts.ChangePasswordRequest) (accounts.Identity, error) {
	user, err := store.HoldUser(ctx, tx, r.Actor.User)
	if err != nil {
		return accounts.Identity{}, err
	}
	now, err := store.CredentialOf(ctx, tx, user.ID)
	if err != nil {
		return accounts.Identity{}, err
	}
	if user.Status != accounts.Active || now != current {
		return accounts.Identity{}, fault.New(fault.Conflict, "fault.modified")
	}
	return p.set(ctx, tx, user, change{
		hash: hash, ended: sessions.EndAllRequest{Except: &r.Actor.Session},
		event: store.Did(store.PasswordChanged, r.Actor, p.o.Clock.Now()),
	})
}
