package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// ListHubs implements the API.
func (s *Service) ListHubs(ctx context.Context, r accounts.ListHubsRequest) (accounts.HubList, error) {
	return s.hubs.List(ctx, r)
}

// CreateHub implements the API.
func (s *Service) CreateHub(ctx context.Context, r accounts.CreateHubRequest) (accounts.HubMembership, error) {
	return s.hubs.Create(ctx, r)
}

// GetHub implements the API.
func (s *Service) GetHub(ctx context.Context, r accounts.HubRequest) (accounts.HubMembership, error) {
	return s.hubs.Get(ctx, r)
}

// UpdateHub implements the API.
func (s *Service) UpdateHub(ctx context.Context, r accounts.UpdateHubRequest) (accounts.HubMembership, error) {
	return s.hubs.Update(ctx, r)
}

// SetPlan implements the API.
func (s *Service) SetPlan(ctx context.Context, r accounts.SetPlanRequest) (accounts.Hub, error) {
	return s.hubs.SetPlan(ctx, r)
}
