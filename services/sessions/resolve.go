package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/token"
)

// What can be wrong with the session of a token that is in order.
var (
	errGone    = errors.New("sessions: no such session, or another one")
	errEnded   = errors.New("sessions: the session has ended")
	errExpired = errors.New("sessions: the session has expired")
	errVoid    = errors.New("sessions: the session was changed after the token was issued")
)

// Resolve checks a token and its session.
func (s *Service) Resolve(ctx context.Context, r sessions.ResolveRequest) (sessions.Resolved, error) {
	now := s.clock.Now()
	claims, record, err := s.check(ctx, r.Token, now)
	s.metrics.resolved(err)
	if err != nil {
		return sessions.Resolved{}, refusal(err)
	}
	s.uses.note(record.ID, now)
	return sessions.Resolved{
		Session: record.Session, TokenID: claims.ID, TTL: claims.TTL, ExpirationTime: claims.Expires.Time,
	}, nil
}

// Refresh gives a fresh token of the same session, which then lives as long,
// but not beyond MaxLife, its personal access token or its parent.
func (s *Service) Refresh(ctx context.Context, r sessions.RefreshRequest) (sessions.Token, error) {
	now := s.now()
	claims, record, err := s.check(ctx, r.Token, now)
	if err != nil {
		return sessions.Token{}, refusal(err)
	}
	if record.Scope != sessions.ScopeFull {
		return sessions.Token{}, fault.New(fault.Forbidden, "fault.scope")
	}
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		extension, err := s.extension(ctx, tx, record, r.Origin, now)
		if err != nil {
			return err
		}
		extension.Issued = &claims.IssuedAt.Time
		record, err = store.Extend(ctx, tx, extension)
		return err
	})
	if err != nil {
		return sessions.Token{}, overIfGone(err)
	}
	s.uses.note(record.ID, now)
	s.metrics.session("refreshed", 1)
	return s.issue(signer, record, now)
}

// extension is what the session gets with its next token. Unauthenticated if it
// has reached its longest life.
func (s *Service) extension(ctx context.Context, q db.Queryer, r store.Record, origin api.Origin, now time.Time) (store.Extension, error) {
	end := s.expiration(r, now)
	if r.Parent != nil {
		parent, err := store.Find(ctx, q, *r.Parent)
		if err != nil {
			return store.Extension{}, err
		}
		end = earliest(end, parent.ExpirationTime)
	}
	if !end.After(now) {
		return store.Extension{}, refusal(errExpired)
	}
	return store.Extension{
		Session: r.ID, Now: now, Cutoff: s.cutoff(now), Expiration: end, Address: origin.Storable().Address,
	}, nil
}

// overIfGone is the fault for a session that ended since it was checked.
func overIfGone(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return refusal(errEnded)
	}
	return err
}

// check reads a token and finds its session, which must be that of the token,
// not changed since the token was issued, and neither ended nor expired.
func (s *Service) check(ctx context.Context, text string, now time.Time) (token.Claims, store.Record, error) {
	claims, err := s.tokens.Read(ctx, text, now)
	if err != nil {
		return token.Claims{}, store.Record{}, err
	}
	record, err := s.find(ctx, claims.Session, now)
	switch {
	case err != nil:
	case record.UserHash != claims.Subject, string(record.Scope) != claims.Scope:
		// Ids come again when a database is restored from an older backup, and
		// tokens of the lost sessions are still in somebody's hands.
		err = errGone
	case claims.IssuedAt.Before(record.TokensSince):
		err = errVoid
	}
	return claims, record, err
}

// find reads a session that is neither ended nor expired.
func (s *Service) find(ctx context.Context, id int64, now time.Time) (store.Record, error) {
	record, err := store.Find(ctx, s.db, id)
	switch {
	case errors.Is(err, db.ErrNoRows):
		err = errGone
	case err != nil:
	case record.EndedTime != nil:
		err = errEnded
	case !record.ExpirationTime.After(s.cutoff(now)):
		err = errExpired
	}
	return record, err
}

// cutoff is when whatever expires by then has expired for certain.
func (s *Service) cutoff(now time.Time) time.Time { return now.Add(-s.tokens.Leeway) }

// refusal is what the caller learns: that a token which was good once is so no
// longer, or nothing.
func refusal(err error) error {
	for _, expired := range []error{token.ErrExpired, errGone, errEnded, errExpired, errVoid} {
		if errors.Is(err, expired) {
			return fault.New(fault.Unauthenticated, "fault.session_expired").Because(err)
		}
	}
	for _, wrong := range []error{token.ErrMalformed, token.ErrSignature, token.ErrForeign, token.ErrEarly} {
		if errors.Is(err, wrong) {
			return fault.New(fault.Unauthenticated, "").Because(err)
		}
	}
	return fmt.Errorf("sessions: checking a token: %w", err)
}
