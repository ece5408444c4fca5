package sessions

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// How far an answer of Revocations reaches back.
const (
	// overlap is before Since: as long as a transaction may take to become
	// visible, and as the clocks of two processes may differ.
	overlap = 10 * time.Second
	// firstFeed is what somebody gets who asks for the first time.
	firstFeed = time.Minute
	// maxFeed bounds an answer. Nobody has to keep a session for so long
	// without resolving its token again.
	maxFeed = time.Hour
)

// End ends a session; ending an ended or unknown one succeeds.
func (s *Service) End(ctx context.Context, r sessions.EndRequest) (api.Nothing, error) {
	ended, err := store.End(ctx, s.db, r.Session, s.clock.Now())
	if ended {
		s.metrics.session("ended", 1)
	}
	return api.Nothing{}, err
}

// EndAll ends the sessions of a user that match, of any scope.
func (s *Service) EndAll(ctx context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	if r.User < 1 {
		return api.Nothing{}, fault.Field("user", "validation.required")
	}
	now := s.clock.Now()
	selection := store.Selection{User: r.User, Hub: r.Hub, Except: r.Except}
	refused := now
	if !r.Before.IsZero() {
		selection.Before = &r.Before
		if r.Before.Before(now) {
			refused = r.Before
		}
	}

	var ended int64
	err := s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := store.LockUser(ctx, tx, r.User, now); err != nil {
			return err
		}
		if r.Hub == nil {
			if err := store.Refuse(ctx, tx, r.User, refused); err != nil {
				return err
			}
		}
		var err error
		ended, err = store.EndAll(ctx, tx, selection, now)
		return err
	})
	if err != nil {
		return api.Nothing{}, err
	}
	s.metrics.session("ended", ended)
	return api.Nothing{}, nil
}

// Revocations lists the sessions that have ended since.
func (s *Service) Revocations(ctx context.Context, r sessions.RevocationsRequest) (sessions.Revocations, error) {
	now := s.clock.Now().UTC() // read first: what ends meanwhile is in the next answer, too
	since := r.Since
	if since.IsZero() {
		since = now.Add(-firstFeed)
	}
	if earliest := now.Add(-maxFeed); since.Before(earliest) {
		since = earliest
	}
	ids, err := store.EndedSince(ctx, s.db, since.Add(-overlap))
	if err != nil {
		return sessions.Revocations{}, err
	}
	return sessions.Revocations{Sessions: ids, Now: now}, nil
}
