package privacy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/self"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// postponement is when a deletion is tried again that would leave a hub
	// without an owner.
	postponement = 24 * time.Hour
	// batch is how many deletions are looked up at once.
	batch = 100
)

// Request has the actor's account deleted when the grace is over, and ends its
// sessions. Whoever has asked already keeps their time.
func (p *Privacy) Request(ctx context.Context, r accounts.RequestDeletionRequest) (accounts.Deletion, error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.Deletion{}, err
	}
	checked, err := self.Active(ctx, p.o.DB, r.Actor)
	if err != nil {
		return accounts.Deletion{}, err
	}
	if _, err := p.o.Confirm(ctx, r.Actor, "password", r.Password); err != nil {
		return accounts.Deletion{}, err
	}
	var at time.Time
	err = p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		hubs, err := store.HubsToLeave(ctx, tx, r.Actor.User)
		if err != nil {
			return err
		}
		user, err := self.Hold(ctx, tx, r.Actor)
		if err != nil {
			return err
		}
		if !user.PasswordModifiedTime.Equal(checked.PasswordModifiedTime) {
			// The password that was given is one from before.
			return fault.Field("password", "validation.wrong_password")
		}
		if user.DeletionTime != nil {
			at = *user.DeletionTime
			return nil
		}
		for _, h := range hubs {
			if h.Orphaned() {
				return fault.New(fault.Conflict, "fault.last_owner")
			}
		}
		now := p.o.Clock.Now()
		at = db.FromMicros(db.Micros(now.Add(p.o.Grace)))
		return p.requested(ctx, tx, user, r, at, now)
	})
	return accounts.Deletion{DeletionTime: at}, err
}

// requested is what follows a request.
func (p *Privacy) requested(ctx context.Context, tx *db.Tx, user store.User, r accounts.RequestDeletionRequest, at, now time.Time) error {
	if _, err := store.SetDeletion(ctx, tx, user.ID, &at, now); err != nil {
		return err
	}
	end := sessions.EndAllRequest{User: user.ID, UserHash: user.Hash, Before: now, Tokens: true}
	if err := relay.EndSessions(ctx, p.o.Outbox, tx, end); err != nil {
		return err
	}
	if err := store.Record(ctx, tx, store.Did(store.DeletionRequested, r.Actor, now)); err != nil {
		return err
	}
	return notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{
		Event: mail.DeletionRequested, Origin: r.Actor.Origin, Time: now, Subject: at.UTC().Format(time.RFC3339),
	})
}

// Cancel keeps the actor's account.
func (p *Privacy) Cancel(ctx context.Context, r accounts.ActorRequest) error {
	if err := r.Actor.InPerson(); err != nil {
		return err
	}
	now := p.o.Clock.Now()
	return p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := self.Hold(ctx, tx, r.Actor)
		if err != nil {
			return err
		}
		cancelled, err := store.SetDeletion(ctx, tx, user.ID, nil, now)
		if err != nil {
			return err
		}
		if !cancelled {
			return fault.New(fault.Conflict, "")
		}
		if err := store.Record(ctx, tx, store.Did(store.DeletionCancelled, r.Actor, now)); err != nil {
			return err
		}
		return notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{Event: mail.DeletionCancelled, Origin: r.Actor.Origin, Time: now})
	})
}

// Sweep deletes the accounts whose grace is over, and tells how many. One that
// cannot be deleted does not keep the others.
func (p *Privacy) Sweep(ctx context.Context) (deleted int64, _ error) {
	for {
		due, err := store.DueDeletions(ctx, p.o.DB, p.o.Clock.Now(), batch)
		for _, user := range due {
			gone, failure := p.delete(ctx, user)
			if gone {
				deleted++
			}
			err = errors.Join(err, failure)
		}
		if err != nil || len(due) < batch {
			return deleted, err
		}
	}
}

// delete deletes an account. It is false if somebody else has, if it is to be
// kept after all, or if it has to wait.
func (p *Privacy) delete(ctx context.Context, id int64) (gone bool, _ error) {
	err := p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := p.o.Clock.Now()
		hubs, err := store.HubsToLeave(ctx, tx, id)
		if err != nil {
			return err
		}
		user, err := store.HoldDueUser(ctx, tx, id, now)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, h := range hubs {
			if h.Orphaned() {
				return p.postpone(ctx, tx, user, h, now)
			}
		}
		if err := p.leave(ctx, tx, user, hubs, now); err != nil {
			return err
		}
		gone = true
		return p.erase(ctx, tx, user, now)
	})
	return gone && err == nil, err
}

// postpone waits until a hub has another owner.
func (p *Privacy) postpone(ctx context.Context, tx *db.Tx, user store.User, h store.LeavingHub, now time.Time) error {
	later := now.Add(postponement)
	tx.OnCommit(func() {
		p.o.Logger.WarnContext(ctx, "an account is not deleted yet, as it is the only owner of a hub",
			slog.Int64("user", user.ID), slog.Int64("hub", h.ID), slog.Time("again", later))
	})
	_, err := store.SetDeletion(ctx, tx, user.ID, &later, now)
	return err
}

// leave deletes the hubs in which nobody else is left, and tells the others.
func (p *Privacy) leave(ctx context.Context, tx *db.Tx, user store.User, hubs []store.LeavingHub, now time.Time) error {
	for _, h := range hubs {
		if !h.Joined {
			continue
		}
		e := store.Event{Kind: store.MemberLeft, User: &user.ID, Hub: &h.ID, Actor: store.ActorSystem, Time: now}
		if !h.Others {
			e.Kind = store.HubDeleted
			if err := store.DeleteHub(ctx, tx, h.ID); err != nil {
				return err
			}
		}
		if err := store.Record(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// erase deletes the account itself, here and in the other services.
func (p *Privacy) erase(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error {
	if err := notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{Event: mail.AccountDeleted, Time: now}); err != nil {
		return err
	}
	if err := relay.Forget(ctx, p.o.Outbox, tx, user.ID, user.Hash); err != nil {
		return err
	}
	if err := store.Anonymise(ctx, tx, user.ID); err != nil {
		return err
	}
	err := store.Record(ctx, tx, store.Event{Kind: store.UserDeleted, User: &user.ID, Actor: store.ActorSystem, Time: now})
	if err != nil {
		return err
	}
	return store.DeleteUser(ctx, tx, user.ID)
}
