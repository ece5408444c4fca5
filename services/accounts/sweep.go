package accounts

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// sweepEvery is how often expired rows are looked for.
const sweepEvery = time.Hour

// sweepForever sweeps until ctx ends. A sweep that fails is tried again at the
// next turn: nothing depends on its time.
func (s *Service) sweepForever(ctx context.Context) error {
	ticker := s.deps.Clock.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.deps.Obs.Logger.WarnContext(ctx, "could not remove what has expired", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		}
	}
}

// sweep mails invitations again that are still open. It removes activations some
// time after they have expired, so that an old link says that it is old, invited
// users who never came, and old audit records.
func (s *Service) sweep(ctx context.Context) error {
	if err := s.remind(ctx); err != nil {
		return err
	}
	now := s.deps.Clock.Now()
	before := now.Add(-s.config.InvitedRetention)
	links, err := store.SweepActivations(ctx, s.deps.DB, before)
	s.metrics.Activation(metrics.ActivationSwept, links)
	if err != nil {
		return err
	}
	users, err := store.SweepInvited(ctx, s.deps.DB, before, now)
	s.metrics.Removed(users)
	if err != nil {
		return err
	}
	if err := s.factors.sweep(ctx); err != nil {
		return err
	}
	if _, err := s.passkeys.Sweep(ctx); err != nil {
		return err
	}
	if err := s.sweepLogins(ctx); err != nil {
		return err
	}
	if _, err := store.SweepLinks(ctx, s.deps.DB, before); err != nil {
		return err
	}
	if err := s.records.sweep(ctx); err != nil {
		return err
	}
	records, err := store.SweepAudit(ctx, s.deps.DB, now.Add(-s.config.AuditRetention))
	if links+users+records > 0 {
		s.deps.Obs.Logger.InfoContext(ctx, "removed what has expired",
			slog.Int64("links", links), slog.Int64("invited_users", users), slog.Int64("audit_records", records))
	}
	return err
}
