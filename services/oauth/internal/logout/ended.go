package logout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
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

// Sessions follows the login sessions that apps are signed in from.
type Sessions struct {
	DB     *db.DB
	Grants *grant.Store
	Clock  clockwork.Clock
}

// Ended ends what rests on sessions that have ended. To do so again changes
// nothing.
func (s *Sessions) Ended(ctx context.Context, r oauth.SessionsEndedRequest) error {
	if err := check(r); err != nil {
		return err
	}
	// In one order, so that two that end the same wait instead of deadlocking.
	slices.Sort(r.Sessions)
	r.Sessions = slices.Compact(r.Sessions)
	return s.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := s.Clock.Now()
		for _, session := range r.Sessions {
			if err := s.end(ctx, tx, session, now); err != nil {
				return err
			}
		}
		if !r.Everything {
			return nil
		}
		_, err := s.Grants.RevokeSubject(ctx, tx, grant.End{
			Subject: r.Subject, Sessions: r.Sessions, Before: r.Before, Hub: r.Hub,
		}, now)
		return err
	})
}

func check(r oauth.SessionsEndedRequest) error {
	var v fault.Violations
	if len(r.Sessions) > maxSessions {
		v.Add("sessions", "validation.required")
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
	_, err = s.Grants.RevokeSession(ctx, tx, session, now)
	return err
}
