package sessions

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

// Forget deletes all that the service holds about a user. Only the rows of the
// sessions stay for a day, ended and without address and user agent, for every
// gateway to hear that they have ended.
func (s *Service) Forget(ctx context.Context, r sessions.ForgetRequest) (api.Nothing, error) {
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
		if ended, err = s.endAll(ctx, tx, sessions.EndAllRequest{User: r.User}, now); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, ended); err != nil {
			return err
		}
		return store.Forget(ctx, tx, r.User)
	})
	if err != nil {
		return api.Nothing{}, err
	}
	s.metrics.session("ended", len(ended))
	return api.Nothing{}, nil
}
