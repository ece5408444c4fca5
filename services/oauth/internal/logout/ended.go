package logout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
)

const (
	// maxSessions bounds a request.
	maxSessions = 1000
	// maxName bounds the hash of a session or user, in bytes.
	maxName = 64
	// endedFor is how long it is remembered that a session has ended. The edge
	// learns of it within a second, so that nobody comes from it later.
	endedFor = 15 * time.Minute
)

// Ended ends what rests on sessions that have ended, and queues that their apps
// hear of it. To do so again changes nothing.
func (s *Sessions) Ended(ctx context.Context, r oauth.SessionsEndedRequest) error {
	if err := check(r); err != nil {
		return err
	}
	// In one order, so that two that end the same wait instead of deadlocking.
	sessions := slices.Compact(slices.Sorted(slices.Values(r.Sessions)))
	return s.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := s.Clock.Now()
		for _, session := range sessions {
			if err := s.end(ctx, tx, session, now); err != nil {
				return err
			}
		}
		if !r.Everything {
			return nil
		}
		n, err := s.Grants.RevokeSubject(ctx, tx, grant.End{
			Subject: r.Subject, Sessions: sessions, Before: r.Before, Hub: r.Hub,
		}, now)
		tx.OnCommit(func() { s.Metrics.RevokedMany(metrics.Everything, n) })
		return err
	})
}

func check(r oauth.SessionsEndedRequest) error {
	var v fault.Violations
	if len(r.Sessions) > maxSessions {
		v.Add("sessions", "validation.list")
	}
	for _, session := range r.Sessions {
		if session == "" || len(session) > maxName {
			v.Add("sessions", "validation.required")
			break
		}
	}
	if r.Everything && r.Subject == "" || len(r.Subject) > maxName {
		v.Add("subject", "validation.required")
	}
	return v.Err()
}

// end comes first to the session's row: a code that is being issued for it is
// issued before, and its grant is found, or never.
func (s *Sessions) end(ctx context.Context, tx *db.Tx, session string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO login_sessions (session, ended_time, expiration_time) VALUES ($1, $2, $3)
		ON CONFLICT (session) DO UPDATE SET ended_time = excluded.ended_time, expiration_time = excluded.expiration_time
		WHERE login_sessions.ended_time IS NULL`, session, db.Micros(now), db.Micros(now.Add(endedFor)))
	if err != nil {
		return fmt.Errorf("logout: note an end: %w", err)
	}
	n, err := s.Grants.RevokeSession(ctx, tx, session, now)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { s.Metrics.RevokedMany(metrics.SessionEnded, n) })
	return s.notify(ctx, tx, "session = $1", session)
}

// notify queues a notice to each app that matches and has a back-channel logout
// URI, and forgets that they were signed in.
func (s *Sessions) notify(ctx context.Context, tx *db.Tx, where, value string) error {
	rows, err := tx.Query(ctx, "DELETE FROM session_clients WHERE "+where+" RETURNING session, client_id, subject", value)
	if err != nil {
		return fmt.Errorf("logout: find the apps: %w", err)
	}
	notices, err := scan(rows)
	if err != nil {
		return fmt.Errorf("logout: find the apps: %w", err)
	}
	for _, n := range notices {
		if err := s.queue(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

func scan(rows *db.Rows) ([]notice, error) {
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var notices []notice
	for rows.Next() {
		var n notice
		if err := rows.Scan(&n.Session, &n.Client, &n.Subject); err != nil {
			return nil, err
		}
		notices = append(notices, n)
	}
	return notices, rows.Err()
}

// Forget tells the apps that a user who is to be forgotten is signed in at no
// more, and deletes from which sessions they were.
func (s *Sessions) Forget(ctx context.Context, user string) error {
	return s.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.notify(ctx, tx, "subject = $1", user)
	})
}
