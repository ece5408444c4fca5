package sessions

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// topicAudit holds events for the audit record, which accounts keeps.
const topicAudit = "audit"

// The kinds of events.
const (
	eventSessionEnded         = "session.ended" // by its user, from another one
	eventImpersonationStarted = "impersonation.started"
	eventImpersonationEnded   = "impersonation.ended"
	eventTokenCreated         = "token.created"
	eventTokenDeleted         = "token.deleted"
)

// audit queues an event in the transaction of what it tells of. Its key is new:
// that transaction happens once.
func (s *Service) audit(ctx context.Context, tx *db.Tx, e accounts.RecordEventRequest) error {
	e.Key = randomHex()
	e.Origin.Address = storable(e.Origin.Address, maxAddress)
	e.Origin.UserAgent = storable(e.Origin.UserAgent, maxUserAgent)
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("sessions: encoding an event: %w", err)
	}
	return s.outbox.Add(ctx, tx, outbox.Message{Topic: topicAudit, Key: e.Key, Payload: payload})
}

// handOver gives events to who keeps them.
func handOver(to accounts.Auditing) outbox.Handler {
	return func(ctx context.Context, d outbox.Delivery) error {
		var e accounts.RecordEventRequest
		if err := json.Unmarshal(d.Payload, &e); err != nil {
			return outbox.Permanent(fmt.Errorf("sessions: decoding an event: %w", err))
		}
		_, err := to.RecordEvent(ctx, e)
		if fault.Is(err, fault.Invalid) {
			return outbox.Permanent(err) // it will not get better
		}
		return err
	}
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
