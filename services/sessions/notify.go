package sessions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions/announce"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

const (
	// topicEnded of the outbox's messages that tell the oauth service which
	// sessions have ended.
	topicEnded = "ended"
	// toldAtOnce bounds the sessions of a message.
	toldAtOnce = 100
	// expireBatch bounds the sessions that expire in one transaction.
	expireBatch = 100
)

// tell queues, in the transaction in which sessions have ended, that the oauth
// service hears of it: apps are signed in by them. Apps never see a session of a
// narrow scope.
func (s *Service) tell(ctx context.Context, tx *db.Tx, ended []store.Record) error {
	return s.tellMore(ctx, tx, ended, oauth.SessionsEndedRequest{})
}

// tellAll tells of EndAll. With the personal access tokens goes whatever else
// works while the user is away, and with a hub whatever works in it.
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, r sessions.EndAllRequest, ended []store.Record, now time.Time) error {
	more := oauth.SessionsEndedRequest{Subject: hashOf(r, ended), Hub: r.Hub, Before: now}
	if !r.Before.IsZero() {
		more.Before = earliest(now, r.Before)
	}
	more.Everything = (r.Tokens || r.Hub != nil) && r.Except == nil && more.Subject != ""
	if !more.Everything {
		more = oauth.SessionsEndedRequest{}
	}
	return s.tellMore(ctx, tx, ended, more)
}

// tellMore says with all sessions what else has ended, so that nothing can come
// of a session between the two.
func (s *Service) tellMore(ctx context.Context, tx *db.Tx, ended []store.Record, more oauth.SessionsEndedRequest) error {
	tx.OnCommit(func() { s.announcements.Send(announce.News{Ended: numbersOf(ended)}) })
	messages := slices.Collect(slices.Chunk(full(ended), toldAtOnce))
	if len(messages) == 0 && more.Everything {
		messages = [][]string{{}}
	}
	for _, more.Sessions = range messages {
		if err := s.queue(ctx, tx, more); err != nil {
			return err
		}
	}
	return nil
}

// changed announces, once committed, that a session's earlier tokens are void.
func (s *Service) changed(tx *db.Tx, session int64) {
	tx.OnCommit(func() { s.announcements.Send(announce.News{Changed: []int64{session}}) })
}

func numbersOf(records []store.Record) []int64 {
	all := make([]int64, 0, len(records))
	for _, r := range records {
		all = append(all, r.ID)
	}
	return all
}

// hashOf is the user's hash, which callers of an older version do not give.
func hashOf(r sessions.EndAllRequest, ended []store.Record) string {
	if r.UserHash != "" {
		return r.UserHash
	}
	for _, record := range ended {
		if record.User == r.User {
			return record.UserHash
		}
	}
	return ""
}

// full are the hashes of the sessions of full scope.
func full(ended []store.Record) []string {
	var hashes []string
	for _, r := range ended {
		if r.Scope == sessions.ScopeFull {
			hashes = append(hashes, r.Hash)
		}
	}
	return hashes
}

// queue queues a message. Its key is new: the transaction happens once.
func (s *Service) queue(ctx context.Context, tx *db.Tx, r oauth.SessionsEndedRequest) error {
	payload, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("sessions: encode what has ended: %w", err)
	}
	return s.outbox.Add(ctx, tx, outbox.Message{Topic: topicEnded, Key: ids.New(), Payload: payload})
}

// handOver is the outbox's handler of the topic.
func handOver(to oauth.Logouts) outbox.Handler {
	return func(ctx context.Context, d outbox.Delivery) error {
		var r oauth.SessionsEndedRequest
		if err := json.Unmarshal(d.Payload, &r); err != nil {
			return outbox.Permanent(fmt.Errorf("sessions: decode what has ended: %w", err))
		}
		_, err := to.SessionsEnded(ctx, r)
		if fault.Is(err, fault.Invalid) {
			return outbox.Permanent(err) // it will not get better
		}
		return err
	}
}

// expire ends the sessions that have expired, so that each is told of once,
// however many processes keep house.
func (s *Service) expire(ctx context.Context, now time.Time) error {
	for {
		var ended []store.Record
		err := s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			var err error
			if ended, err = store.Expire(ctx, tx, s.cutoff(now), expireBatch); err != nil {
				return err
			}
			return s.tell(ctx, tx, ended)
		})
		if err != nil {
			return err
		}
		s.metrics.session("expired", len(ended))
		if len(ended) < expireBatch {
			return nil
		}
	}
}
