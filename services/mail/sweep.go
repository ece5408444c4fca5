package mail

import (
	"context"
	"log/slog"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

const (
	// keyRetention is how long a key is remembered. It is longer than a mail can
	// be in the outbox: tried, dead and then, retried, delivered.
	keyRetention = 60 * 24 * time.Hour
	sweepEvery   = time.Hour
	sweepBatch   = 500
)

// sweepForever forgets old keys until ctx ends. A sweep that fails is tried
// again at the next turn.
func (s *Service) sweepForever(ctx context.Context) {
	ticker := s.clock.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "old keys of mails were not forgotten", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
	}
}

func (s *Service) sweep(ctx context.Context) error {
	_, err := db.DeleteInBatches(ctx, s.db, "mail_keys", "digest", "created_time < $1", sweepBatch,
		db.Micros(s.clock.Now().Add(-keyRetention)))
	return err
}
