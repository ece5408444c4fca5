package sessions

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// The kinds of events.
const (
	eventSessionEnded         = "session.ended" // by its user, from another one
	eventImpersonationStarted = "impersonation.started"
	eventImpersonationEnded   = "impersonation.ended"
	eventTokenCreated         = "token.created"
	eventTokenDeleted         = "token.deleted"
)

// audit queues an event in the transaction of what it tells of.
func (s *Service) audit(ctx context.Context, tx *db.Tx, e accounts.RecordEventRequest) error {
	return audit.Queue(ctx, s.outbox, tx, e)
}

// auditEnd tells of a session that was ended one by one.
func (s *Service) auditEnd(ctx context.Context, tx *db.Tx, ended store.Record, r sessions.EndRequest, now time.Time) error {
	if ended.Parent != nil {
		return s.auditImpersonationsEnded(ctx, tx, []store.Record{ended}, now)
	}
	if r.User == 0 {
		return nil
	}
	return s.audit(ctx, tx, accounts.RecordEventRequest{
		Kind: eventSessionEnded, User: ended.User, Hub: ended.Hub, ActorUser: &r.User, Origin: r.Origin, Time: now,
		Detail: map[string]any{"session": ended.ID},
	})
}

// auditImpersonationsEnded tells of impersonations that ended with something
// else.
func (s *Service) auditImpersonationsEnded(ctx context.Context, tx *db.Tx, ended []store.Record, now time.Time) error {
	for _, r := range ended {
		e := impersonationEvent(eventImpersonationEnded, r, api.Origin{}, now)
		e.ActorUser = nil
		if err := s.audit(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

func impersonationEvent(kind string, r store.Record, origin api.Origin, now time.Time) accounts.RecordEventRequest {
	return accounts.RecordEventRequest{
		Kind: kind, User: r.User, Hub: r.Hub, ActorUser: r.Impersonator, Impersonator: r.Impersonator,
		Origin: origin, Time: now, Detail: map[string]any{"session": r.ID},
	}
}
