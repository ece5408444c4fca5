// Package logout ends what apps have of a login session, and tells them:
// OpenID Connect RP-Initiated Logout 1.0, Back-Channel Logout 1.0 and
// Front-Channel Logout 1.0.
//
//	code issued ──▶ Join: the app is signed in from the session
//	                  │
//	session ends ──▶ Ended ─┬─▶ grants without offline_access are revoked
//	                        └─▶ one notice per app ──outbox──▶ logout token, POST
//
// Apps that want to hear of it in the browser are asked for before the session
// ends ([Sessions.Frontchannel]): the page that says good-bye opens them.
package logout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
)

// ErrEnded says that a session has ended, so that nothing can be granted from it.
var ErrEnded = errors.New("logout: the session has ended")

const (
	// joinedFor is how long it is remembered which apps were signed in from a
	// session, if nobody ever says that it has ended: longer than sessions last.
	joinedFor = sessions.LongestLife + 35*24*time.Hour
	// maxFrames bounds how many apps the browser is to tell.
	maxFrames  = 50
	sweepBatch = 500
)

// Sessions follows the login sessions that apps are signed in from.
type Sessions struct {
	DB      *db.DB
	Grants  *grant.Store
	Clients *client.Store
	Names   *subject.Names
	// Outbox has the handlers of [Backchannel.Handlers].
	Outbox  *outbox.Outbox
	Issuer  string
	Metrics *metrics.Metrics
	Clock   clockwork.Clock
}

// Join notes that a client is signed in from the session that the grant rests
// on, in the transaction that issues the grant's code. It is [ErrEnded] if the
// session has ended.
func (s *Sessions) Join(ctx context.Context, tx *db.Tx, c *client.Client, g *grant.Grant) error {
	if g.Session == "" {
		return nil
	}
	expires := db.Micros(s.Clock.Now().Add(joinedFor))
	n, err := tx.Exec(ctx, `INSERT INTO login_sessions (session, expiration_time) VALUES ($1, $2)
		ON CONFLICT (session) DO UPDATE SET expiration_time = excluded.expiration_time
		WHERE login_sessions.ended_time IS NULL`, g.Session, expires)
	if err != nil {
		return fmt.Errorf("logout: join: %w", err)
	}
	if n == 0 {
		return ErrEnded
	}
	if c.BackchannelLogoutURI == "" && c.FrontchannelLogoutURI == "" {
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO session_clients (session, client_id, subject, expiration_time) VALUES ($1, $2, $3, $4)
		ON CONFLICT (session, client_id) DO UPDATE SET expiration_time = excluded.expiration_time`,
		g.Session, c.ID, g.Subject, expires)
	if err != nil {
		return fmt.Errorf("logout: join: %w", err)
	}
	return nil
}

// Frontchannel lists the addresses that the browser has to open when the session
// ends, in the order of their apps (Front-Channel Logout 1.0 section 3).
func (s *Sessions) Frontchannel(ctx context.Context, session string) ([]string, error) {
	ids, err := s.joined(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("logout: list the apps: %w", err)
	}
	addresses := []string{}
	for _, id := range ids {
		c, err := s.find(ctx, id)
		if err != nil {
			return nil, err
		}
		if c != nil && c.FrontchannelLogoutURI != "" && len(addresses) < maxFrames {
			addresses = append(addresses, s.frame(c, session))
		}
	}
	return addresses, nil
}

func (s *Sessions) joined(ctx context.Context, session string) ([]string, error) {
	rows, err := s.DB.Query(ctx, "SELECT client_id FROM session_clients WHERE session = $1 ORDER BY client_id", session)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (s *Sessions) frame(c *client.Client, session string) string {
	if !c.FrontchannelLogoutSession {
		return c.FrontchannelLogoutURI
	}
	return redirect.With(c.FrontchannelLogoutURI, url.Values{"iss": {s.Issuer}, "sid": {s.Names.Session(c, session)}})
}

// find is nil if the client is gone.
func (s *Sessions) find(ctx context.Context, id string) (*client.Client, error) {
	return find(ctx, s.Clients, id)
}

// Sweep deletes what need not be remembered any more.
func (s *Sessions) Sweep(ctx context.Context, now time.Time) (int64, error) {
	gone, err := db.DeleteInBatches(ctx, s.DB, "login_sessions", "session", "expiration_time <= $1", sweepBatch, db.Micros(now))
	if err != nil {
		return gone, fmt.Errorf("logout: sweep: %w", err)
	}
	clients, err := db.DeleteInBatches(ctx, s.DB, "session_clients", "session, client_id", "expiration_time <= $1", sweepBatch, db.Micros(now))
	if err != nil {
		return gone + clients, fmt.Errorf("logout: sweep: %w", err)
	}
	return gone + clients, nil
}
