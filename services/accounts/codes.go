package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// SendCode implements the API.
func (s *Service) SendCode(ctx context.Context, r accounts.SendCodeRequest) (accounts.Challenge, error) {
	return s.factors.challenge.Send(ctx, r)
}

// ConfirmCode implements the API.
func (s *Service) ConfirmCode(ctx context.Context, r accounts.ConfirmCodeRequest) (accounts.Confirmation, error) {
	return s.factors.challenge.Confirm(ctx, r)
}

// StepUp implements the API.
func (s *Service) StepUp(ctx context.Context, r accounts.StepUpRequest) (accounts.Challenge, error) {
	return s.factors.challenge.StepUp(ctx, r)
}
