package sessions

import (
	"context"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// Elevate notes that the user of a session has proved more, and gives its next
// token. The session stays the one it is, but the tokens from before are void:
// whoever has got hold of one did not prove more.
func (s *Service) Elevate(ctx context.Context, r sessions.ElevateRequest) (sessions.Token, error) {
	now := s.now()
	record, err := s.find(ctx, r.Session, now)
	if err != nil {
		return sessions.Token{}, refusal(err)
	}
	if err := inPerson(record); err != nil {
		return sessions.Token{}, err
	}
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		record, err = s.elevate(ctx, tx, r, now)
		return err
	})
	if err != nil {
		return sessions.Token{}, overIfGone(err)
	}
	s.uses.note(record.ID, now)
	s.metrics.session("elevated", 1)
	return s.issue(signer, record, now)
}

// elevate adds to what the session says now, which another request may just
// have added to.
func (s *Service) elevate(ctx context.Context, tx *db.Tx, r sessions.ElevateRequest, now time.Time) (store.Record, error) {
	record, err := store.LockSession(ctx, tx, r.Session, s.cutoff(now))
	if err != nil {
		return store.Record{}, err
	}
	e := store.Elevation{Methods: record.Methods, MFA: record.MFA, AuthenticatedTime: record.AuthenticatedTime}
	for _, m := range r.Methods {
		if !slices.Contains(e.Methods, m) {
			e.Methods = append(e.Methods, m)
		}
	}
	if r.MFA != nil {
		e.MFA = r.MFA
	}
	if r.Anew && now.After(e.AuthenticatedTime) {
		e.AuthenticatedTime = now
	}
	record.AuthenticatedTime = e.AuthenticatedTime
	if e.Extension, err = s.extension(ctx, tx, record, r.Origin, now); err != nil {
		return store.Record{}, err
	}
	s.changed(tx, r.Session)
	return store.Elevate(ctx, tx, e)
}

// inPerson refuses sessions that are not their user's own and full ones.
func inPerson(r store.Record) error {
	switch {
	case r.Scope != sessions.ScopeFull:
		return fault.New(fault.Forbidden, "fault.scope")
	case r.Parent != nil:
		return fault.New(fault.Forbidden, "fault.impersonating")
	case r.PAT != nil:
		return fault.New(fault.Forbidden, "fault.personal_token")
	}
	return nil
}
