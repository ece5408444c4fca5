package sessions

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// Impersonate opens a session of another user within the caller's, in the same
// hub. It lasts 30 minutes and can be refreshed, but never outlives the
// caller's; it does not count against the limits of the user it is of.
func (s *Service) Impersonate(ctx context.Context, r sessions.ImpersonateRequest) (sessions.Token, error) {
	if err := validateUser(r.User, r.UserHash).Err(); err != nil {
		return sessions.Token{}, err
	}
	now := s.now()
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}
	var child store.Record
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		child, err = s.impersonate(ctx, tx, r, now)
		return err
	})
	if err != nil {
		return sessions.Token{}, overIfGone(err)
	}
	s.metrics.session("opened", 1)
	return s.issue(signer, child, now)
}

func (s *Service) impersonate(ctx context.Context, tx *db.Tx, r sessions.ImpersonateRequest, now time.Time) (store.Record, error) {
	// Whatever ends the user's sessions comes before all this or finds the new
	// one, and so does whatever ends the parent.
	endedBefore, err := store.LockUser(ctx, tx, r.User, now)
	if err != nil {
		return store.Record{}, err
	}
	if now.Before(endedBefore) {
		return store.Record{}, refusal(errEnded)
	}
	parent, err := store.LockSession(ctx, tx, r.Session, s.cutoff(now))
	if err != nil {
		return store.Record{}, err
	}
	if err := mayImpersonate(parent, r); err != nil {
		return store.Record{}, err
	}
	child := childOf(parent, r, now)
	child.ExpirationTime = earliest(s.expiration(child, now), parent.ExpirationTime)
	if !child.ExpirationTime.After(now) {
		return store.Record{}, refusal(errExpired)
	}
	if child.ID, err = store.Insert(ctx, tx, child); err != nil {
		return store.Record{}, err
	}
	return child, s.audit(ctx, tx, impersonationEvent(eventImpersonationStarted, child, r.Origin, now))
}

// mayImpersonate knows nothing of roles: those are for accounts to check.
func mayImpersonate(parent store.Record, r sessions.ImpersonateRequest) error {
	switch {
	case parent.Scope != sessions.ScopeFull:
		return fault.New(fault.Forbidden, "fault.scope")
	case parent.Parent != nil:
		return fault.New(fault.Forbidden, "fault.impersonating")
	case parent.PAT != nil:
		return fault.New(fault.Forbidden, "fault.personal_token")
	case parent.ProviderHub != nil:
		return fault.New(fault.Forbidden, "fault.provider_session")
	case parent.Hub == nil || *parent.Hub != r.Hub:
		return fault.New(fault.Forbidden, "fault.hub_required") // it has left the hub since that was checked
	case parent.User == r.User:
		return fault.New(fault.Forbidden, "")
	default:
		return nil
	}
}

// childOf has proved nothing of its own: when and how is what the impersonator
// proved, and no challenge of the user's was confirmed.
func childOf(parent store.Record, r sessions.ImpersonateRequest, now time.Time) store.Record {
	return store.Record{
		Session: sessions.Session{
			Hash: ids.New(), User: r.User, UserHash: r.UserHash, Hub: parent.Hub, Scope: sessions.ScopeFull,
			Parent: &parent.ID, Impersonator: &parent.User, Methods: parent.Methods,
			AuthenticatedTime: parent.AuthenticatedTime, CreatedTime: now,
		},
		Address:    r.Origin.Storable().Address,
		UserAgent:  r.Origin.Storable().UserAgent,
		IssuedTime: now,
	}
}

// StopImpersonation ends such a session and gives a token of its parent, which
// is refreshed by that.
func (s *Service) StopImpersonation(ctx context.Context, r sessions.StopImpersonationRequest) (sessions.Token, error) {
	now := s.now()
	child, err := s.find(ctx, r.Session, now)
	if err != nil {
		return sessions.Token{}, refusal(err)
	}
	if child.Parent == nil {
		return sessions.Token{}, fault.New(fault.Forbidden, "fault.not_impersonating")
	}
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}
	var parent store.Record
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		parent, err = s.stop(ctx, tx, child, r, now)
		return err
	})
	if err != nil {
		return sessions.Token{}, overIfGone(err)
	}
	s.uses.note(parent.ID, now)
	s.metrics.session("ended", 1)
	s.metrics.session("refreshed", 1)
	return s.issue(signer, parent, now)
}

// stop writes the parent first, as whatever ends both does: the two would wait
// for each other otherwise.
func (s *Service) stop(ctx context.Context, tx *db.Tx, child store.Record, r sessions.StopImpersonationRequest, now time.Time) (store.Record, error) {
	parent, err := store.LockSession(ctx, tx, *child.Parent, s.cutoff(now))
	if err != nil {
		return store.Record{}, err
	}
	extension, err := s.extension(ctx, tx, parent, r.Origin, now)
	if err != nil {
		return store.Record{}, err
	}
	if parent, err = store.Extend(ctx, tx, extension); err != nil {
		return store.Record{}, err
	}
	if child, err = store.EndOpen(ctx, tx, child.ID, child.User, now, s.cutoff(now)); err != nil {
		return store.Record{}, err
	}
	if err := s.tell(ctx, tx, []store.Record{child}); err != nil {
		return store.Record{}, err
	}
	return parent, s.audit(ctx, tx, impersonationEvent(eventImpersonationEnded, child, r.Origin, now))
}
