package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// InitiateReset implements the API.
func (s *Service) InitiateReset(ctx context.Context, r accounts.InitiateResetRequest) (api.Nothing, error) {
	return api.Nothing{}, s.logins.reset.Initiate(ctx, r)
}

// FinishReset implements the API.
func (s *Service) FinishReset(ctx context.Context, r accounts.FinishResetRequest) (accounts.Identity, error) {
	return s.logins.reset.Finish(ctx, r)
}

// ChangePassword implements the API.
func (s *Service) ChangePassword(ctx context.Context, r accounts.ChangePasswordRequest) (accounts.Identity, error) {
	return s.logins.reset.Change(ctx, r)
}
