package factor

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Remove removes a factor. With the last one go the recovery codes, which stand in
// for nothing any more. Logins are still confirmed, by mail.
func (s *Factors) Remove(ctx context.Context, r accounts.RemoveFactorRequest) error {
	if err := r.Actor.InPerson(); err != nil {
		return err
	}
	hash, err := s.o.Passwords.Confirm(ctx, r.Actor, "password", r.Password) // slow, so outside of the transaction
	if err != nil {
		return err
	}
	return s.change(ctx, r.Actor, func(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error {
		current, err := store.CredentialOf(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		if current != hash { // changed meanwhile
			return fault.Field("password", "validation.wrong_password")
		}
		f, err := find(ctx, tx, user.ID, r.Factor)
		if err != nil {
			return err
		}
		return s.remove(ctx, tx, user, f, r, now)
	})
}

func (s *Factors) remove(ctx context.Context, tx *db.Tx, user store.User, f store.Factor, r accounts.RemoveFactorRequest, now time.Time) error {
	if err := drop(ctx, tx, f, now); err != nil {
		return err
	}
	if f.Confirmed == nil {
		return record(ctx, tx, store.FactorRemoved, r.Actor, f, now)
	}
	left, err := store.StrongestChannel(ctx, tx, user.ID)
	if err != nil {
		return err
	}
	demanded, err := store.DemandedChannel(ctx, tx, user.ID)
	if err != nil {
		return err
	}
	if left < demanded && f.Channel >= demanded {
		return fault.New(fault.Conflict, "fault.factor_required") // and nothing has happened
	}
	if left == accounts.ChannelEmail {
		if err := store.DeleteRecoveryCodes(ctx, tx, user.ID); err != nil {
			return err
		}
	}
	if err := record(ctx, tx, store.FactorRemoved, r.Actor, f, now); err != nil {
		return err
	}
	return s.tell(ctx, tx, user, mail.FactorRemoved, r.Actor, now)
}
