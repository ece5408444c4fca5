package recovery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// lookEvery is how often requests are looked for that nobody has to decide on.
const lookEvery = time.Minute

// Run approves the requests that are due until ctx ends. Every replica may run it.
func (s *Recoveries) Run(ctx context.Context) error {
	ticker := s.o.Clock.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := s.ApproveDue(ctx); err != nil && ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "could not approve the recoveries that are due", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		}
	}
}

// ApproveDue approves the requests that nobody can decide on, and that nothing has
// cancelled for a day.
func (s *Recoveries) ApproveDue(ctx context.Context) error {
	due, err := store.DueRecoveries(ctx, s.o.DB, s.o.Clock.Now())
	if err != nil {
		return err
	}
	for _, r := range due {
		err := s.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.settle(ctx, tx, r) })
		if err != nil && !fault.Is(err, fault.NotFound) { // another replica was faster
			return err
		}
	}
	return nil
}

// settle approves a request, or cancels it if its user has changed the password
// since: who does that wants the account for themselves.
func (s *Recoveries) settle(ctx context.Context, tx *db.Tx, r store.Recovery) error {
	now := s.o.Clock.Now()
	user, err := store.HoldUser(ctx, tx, r.User)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if user.Status != accounts.Active || user.PasswordModifiedTime.After(r.Confirmed) {
		_, err := store.EndRecovery(ctx, tx, r.ID, store.RecoveryCancelled, now)
		return err
	}
	return s.approve(ctx, tx, user, r, event{actor: store.ActorSystem, now: now})
}
