package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// BeginLogout implements [oauth.Service].
func (s *Service) BeginLogout(ctx context.Context, r oauth.LogoutRequest) (oauth.Logout, error) {
	return s.logouts.Begin(ctx, r)
}

// SessionClients implements [oauth.Service].
func (s *Service) SessionClients(ctx context.Context, r oauth.SessionClientsRequest) (oauth.SessionClientList, error) {
	addresses, err := s.sessions.Frontchannel(ctx, r.Session)
	return oauth.SessionClientList{Frontchannel: addresses}, err
}

// SessionsEnded implements [oauth.Service].
func (s *Service) SessionsEnded(ctx context.Context, r oauth.SessionsEndedRequest) (api.Nothing, error) {
	return api.Nothing{}, s.sessions.Ended(ctx, r)
}
