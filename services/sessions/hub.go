package sessions

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// SwitchHub moves a session into another hub, or out of any, and gives its next
// token, which extends it as a refresh does. The tokens from before are void,
// and what its user did as somebody else from within it ends: the right to that
// was the former hub's.
func (s *Service) SwitchHub(ctx context.Context, r sessions.SwitchHubRequest) (sessions.Token, error) {
	if r.Limit < 0 {
		return sessions.Token{}, fault.Field("limit", "validation.integer")
	}
	now := s.now()
	record, err := s.find(ctx, r.Session, now)
	if err != nil {
		return sessions.Token{}, refusal(err)
	}
	if record.Scope != sessions.ScopeFull {
		return sessions.Token{}, fault.New(fault.Forbidden, "fault.scope")
	}
	if record.Parent != nil {
		return sessions.Token{}, fault.New(fault.Forbidden, "fault.impersonating")
	}
	if only := record.ProviderHub; only != nil && (r.Hub == nil || *r.Hub != *only) {
		return sessions.Token{}, fault.New(fault.Forbidden, "fault.provider_session")
	}
	signer, err := s.tokens.Signer(ctx)
	if err != nil {
		return sessions.Token{}, err
	}
	extension, err := s.extension(ctx, s.db, record, r.Origin, now)
	if err != nil {
		return sessions.Token{}, err
	}

	var surplus int
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		record, surplus, err = s.move(ctx, tx, extension, record.User, r)
		return err
	})
	if err != nil {
		return sessions.Token{}, overIfGone(err)
	}
	s.uses.note(record.ID, now)
	s.metrics.session("moved", 1)
	s.metrics.session("surplus", surplus)
	return s.issue(signer, record, now)
}

// move stores the session's new hub and ends what its user did from within it,
// and what is beyond the new hub's limit, which it counts.
func (s *Service) move(ctx context.Context, tx *db.Tx, e store.Extension, user int64, r sessions.SwitchHubRequest) (_ store.Record, surplus int, err error) {
	if _, err := store.LockUser(ctx, tx, user, e.Now); err != nil {
		return store.Record{}, 0, err
	}
	record, err := store.SwitchHub(ctx, tx, e, r.Hub)
	if err != nil {
		return store.Record{}, 0, err
	}
	s.changed(tx, record.ID)
	children, err := store.EndChildren(ctx, tx, record, e.Now)
	if err != nil {
		return store.Record{}, 0, err
	}
	if err := s.auditImpersonationsEnded(ctx, tx, children, e.Now); err != nil {
		return store.Record{}, 0, err
	}
	beyond, err := s.keepLimit(ctx, tx, record, r.Limit, e.Now)
	if err != nil {
		return store.Record{}, 0, err
	}
	return record, len(beyond), s.endedWith(ctx, tx, user, append(children, beyond...), e.Now)
}
