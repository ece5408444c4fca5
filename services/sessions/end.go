package sessions

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

// How far an answer of Revocations reaches back.
const (
	// overlap is before Since: as long as a transaction may take to become
	// visible, and as the clocks of two replicas may differ, which is a minute: one
	// notes the end, and another one's answer has told the time.
	overlap = token.Ahead
	// firstFeed is what somebody gets who asks for the first time.
	firstFeed = time.Minute
	// maxFeed bounds an answer. Nobody has to keep a session for so long
	// without resolving its token again.
	maxFeed = time.Hour
)

// End ends a session and, with it, those of an impersonation within; ending an
// ended or unknown one succeeds unless it is to be a certain user's. By its hash a
// session is only ended for its user.
func (s *Service) End(ctx context.Context, r sessions.EndRequest) (sessions.Ended, error) {
	named, err := whichToEnd(r)
	if err != nil {
		return sessions.Ended{}, err
	}
	now := s.now()
	var record store.Record
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if record, err = store.End(ctx, tx, named, r.User, now); err != nil {
			return err
		}
		if r.User != 0 && !s.listed(record, now) {
			return db.ErrNoRows
		}
		if err := s.auditEnd(ctx, tx, record, r, now); err != nil {
			return err
		}
		orphans, err := s.endOrphans(ctx, tx, record.User, now)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, append(orphans, record))
	})
	switch {
	case errors.Is(err, db.ErrNoRows) && r.User != 0:
		return sessions.Ended{}, fault.New(fault.NotFound, "")
	case errors.Is(err, db.ErrNoRows):
		return sessions.Ended{}, nil
	case err != nil:
		return sessions.Ended{}, err
	}
	s.metrics.session("ended", 1)
	return sessions.Ended{Session: record.ID}, nil
}

func whichToEnd(r sessions.EndRequest) (api.Ref, error) {
	if r.Hash == "" {
		return api.Ref{ID: r.Session}, nil
	}
	if r.User < 1 {
		return api.Ref{}, fault.Field("user", "validation.required")
	}
	named, ok := api.ParseRef(r.Hash)
	if !ok || named.Hash == "" {
		return api.Ref{}, fault.New(fault.NotFound, "")
	}
	return named, nil
}

// listed tells whether the user gets to see the session, which was open a
// moment ago.
func (s *Service) listed(r store.Record, now time.Time) bool {
	return r.Scope == sessions.ScopeFull && r.ExpirationTime.After(now)
}

// endOrphans ends what the user does in the name of others from within sessions
// that have just ended.
func (s *Service) endOrphans(ctx context.Context, tx *db.Tx, user int64, now time.Time) ([]store.Record, error) {
	ended, err := store.EndOrphans(ctx, tx, user, now)
	if err != nil {
		return nil, err
	}
	return ended, s.auditImpersonationsEnded(ctx, tx, ended, now)
}

// EndAll ends the sessions of a user that match, of any scope.
//
// A session of an impersonation belongs to two: it ends with the sessions of
// the user it is of, and with the impersonator's it was opened from. It ends
// even if that one is spared by Except: whatever made its user end all others
// was not meant to leave one open that acts as somebody else. If it is itself
// what Except names, it stays, as long as its parent does.
func (s *Service) EndAll(ctx context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	if r.User < 1 {
		return api.Nothing{}, fault.Field("user", "validation.required")
	}
	now := s.now()
	var ended []store.Record
	err := s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := store.LockUser(ctx, tx, r.User, now); err != nil {
			return err
		}
		var err error
		if ended, err = s.endAll(ctx, tx, r, now); err != nil {
			return err
		}
		return s.tellAll(ctx, tx, r, ended, now)
	})
	if err != nil {
		return api.Nothing{}, err
	}
	s.metrics.session("ended", len(ended))
	return api.Nothing{}, nil
}

// endAll is EndAll with the user locked; it gives the sessions, of which nobody
// has been told.
func (s *Service) endAll(ctx context.Context, tx *db.Tx, r sessions.EndAllRequest, now time.Time) ([]store.Record, error) {
	selection := store.Selection{User: r.User, Hub: r.Hub, Except: r.Except}
	refused := now
	if !r.Before.IsZero() {
		selection.Before = &r.Before
		refused = earliest(now, r.Before)
	}
	if r.Hub == nil {
		if err := store.Refuse(ctx, tx, r.User, refused); err != nil {
			return nil, err
		}
	}
	var ofTokens []store.Record
	if r.Tokens {
		var err error
		if ofTokens, err = s.deleteAccessTokens(ctx, tx, r.User, selection.Before, now); err != nil {
			return nil, err
		}
	}
	own, err := store.EndAll(ctx, tx, selection, now)
	if err != nil {
		return nil, err
	}
	impersonations, err := store.EndImpersonations(ctx, tx, selection, now)
	if err != nil {
		return nil, err
	}
	if err := s.auditImpersonationsEnded(ctx, tx, impersonations, now); err != nil {
		return nil, err
	}
	orphans, err := s.endOrphans(ctx, tx, r.User, now)
	return slices.Concat(ofTokens, own, impersonations, orphans), err
}

// Revocations lists the sessions that have ended, or been changed, since.
func (s *Service) Revocations(ctx context.Context, r sessions.RevocationsRequest) (sessions.Revocations, error) {
	now := s.clock.Now().UTC() // read first: what ends meanwhile is in the next answer, too
	since := r.Since
	if since.IsZero() {
		since = now.Add(-firstFeed)
	}
	if earliest := now.Add(-maxFeed); since.Before(earliest) {
		since = earliest
	}
	ended, changed, err := store.News(ctx, s.db, since.Add(-overlap))
	if err != nil {
		return sessions.Revocations{}, err
	}
	return sessions.Revocations{Sessions: ended, Changed: changed, Now: now}, nil
}
