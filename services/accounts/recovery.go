package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// InitiateRecovery implements the API.
func (s *Service) InitiateRecovery(ctx context.Context, r accounts.InitiateResetRequest) (api.Nothing, error) {
	return api.Nothing{}, s.factors.recovery.Initiate(ctx, r)
}

// ConfirmRecovery implements the API.
func (s *Service) ConfirmRecovery(ctx context.Context, r accounts.ConfirmLinkRequest) (api.Nothing, error) {
	return api.Nothing{}, s.factors.recovery.Confirm(ctx, r)
}

// ListRecoveries implements the API.
func (s *Service) ListRecoveries(ctx context.Context, r accounts.ListRequest) (accounts.RecoveryList, error) {
	return s.factors.recovery.List(ctx, r)
}

// DecideRecovery implements the API.
func (s *Service) DecideRecovery(ctx context.Context, r accounts.DecideRecoveryRequest) (api.Nothing, error) {
	return api.Nothing{}, s.factors.recovery.Decide(ctx, r)
}
