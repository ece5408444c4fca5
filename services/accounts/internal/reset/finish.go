package reset

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/strangers"
)

// Finish sets a password by a link. A password that breaks a rule costs
// nothing: the link can still be used. It ends all sessions and personal
// tokens, as somebody else may have had the old password, and lifts a lock.
func (p *Passwords) Finish(ctx context.Context, r accounts.FinishResetRequest) (accounts.Identity, error) {
	digest := ids.Digest(r.Reset)
	user, err := p.holder(ctx, r.Reset, digest)
	if err != nil {
		return accounts.Identity{}, err
	}
	var v fault.Violations
	chosen := choice{r.Password, r.PasswordConfirmation}
	chosen.check(&v, user)
	if err := v.Err(); err != nil {
		return accounts.Identity{}, err
	}
	hash, err := p.hash(ctx, user, r.Origin.Address, chosen) // slow, so outside of the transaction
	if err != nil {
		return accounts.Identity{}, err
	}
	var identity accounts.Identity
	err = p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		identity, err = p.finish(ctx, tx, user.ID, digest, hash, r)
		return err
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identity, nil
}

// holder is the user whom a link was mailed to.
func (p *Passwords) holder(ctx context.Context, secret string, digest []byte) (store.User, error) {
	if !ids.Valid(secret) {
		return store.User{}, unknown()
	}
	link, err := store.LiveLink(ctx, p.o.DB, digest, store.ResetLink, p.o.Clock.Now())
	if err != nil {
		return store.User{}, orUnknown(err)
	}
	user, err := store.UserByID(ctx, p.o.DB, link.User)
	if err != nil {
		return store.User{}, orUnknown(err)
	}
	return user, usable(link, user)
}

// usable tells whether a link is still good for the user as they are now.
func usable(link store.MailedLink, user store.User) error {
	var made strangers.Purpose
	if err := link.Data(&made); err != nil {
		return err
	}
	if user.Status != accounts.Active || made.Email != user.Email {
		return unknown()
	}
	return nil
}

// finish uses the link up. The user comes before the link: whoever changes the
// password at the same time waits at the same row.
func (p *Passwords) finish(ctx context.Context, tx *db.Tx, id int64, digest []byte, hash string, r accounts.FinishResetRequest) (accounts.Identity, error) {
	now := p.o.Clock.Now()
	user, err := store.HoldUser(ctx, tx, id)
	if err != nil {
		return accounts.Identity{}, orUnknown(err)
	}
	link, state, err := store.UseMailedLink(ctx, tx, digest, now, store.ResetLink)
	if err != nil {
		return accounts.Identity{}, err
	}
	if state != store.LinkOpened || link.User != id {
		return accounts.Identity{}, unknown()
	}
	if err := usable(link, user); err != nil {
		return accounts.Identity{}, err
	}
	if err := p.o.Throttle.Lift(ctx, tx, user, r.Origin); err != nil {
		return accounts.Identity{}, err
	}
	return p.set(ctx, tx, user, change{
		hash: hash, ended: sessions.EndAllRequest{Tokens: true}, event: resetBy(id, r, now),
	})
}

func resetBy(id int64, r accounts.FinishResetRequest, now time.Time) store.Event {
	return store.Event{
		Kind: store.PasswordReset, User: &id, Actor: store.ActorUser, ActorID: &id, Origin: r.Origin, Time: now,
	}
}

func unknown() error { return fault.New(fault.NotFound, "fault.link_unknown") }

func orUnknown(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return unknown()
	}
	return err
}
