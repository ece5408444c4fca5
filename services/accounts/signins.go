package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// ListSignIns implements the API.
func (s *Service) ListSignIns(ctx context.Context, r accounts.ListSignInsRequest) (accounts.SignInList, error) {
	return s.records.signIns.List(ctx, r)
}

// SetSignIn implements the API.
func (s *Service) SetSignIn(ctx context.Context, r accounts.SetSignInRequest) (accounts.SignIn, error) {
	return s.records.signIns.Set(ctx, r)
}

// RemoveSignIn implements the API.
func (s *Service) RemoveSignIn(ctx context.Context, r accounts.SignInRequest) (api.Nothing, error) {
	return api.Nothing{}, s.records.signIns.Remove(ctx, r)
}

// AssignIdentity implements the API.
func (s *Service) AssignIdentity(ctx context.Context, r accounts.AssignIdentityRequest) (accounts.AssignedIdentity, error) {
	return s.records.signIns.Assign(ctx, r)
}

// UnassignIdentity implements the API.
func (s *Service) UnassignIdentity(ctx context.Context, r accounts.UnassignIdentityRequest) (api.Nothing, error) {
	return api.Nothing{}, s.records.signIns.Unassign(ctx, r)
}
