package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// SessionsEnded implements [oauth.Service].
func (s *Service) SessionsEnded(ctx context.Context, r oauth.SessionsEndedRequest) (api.Nothing, error) {
	return api.Nothing{}, s.sessions.Ended(ctx, r)
}
