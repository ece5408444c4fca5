package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// SetStatus implements the API.
func (s *Service) SetStatus(ctx context.Context, r accounts.SetStatusRequest) (accounts.User, error) {
	return s.records.operator.SetStatus(ctx, r)
}

// DeadWork implements the API.
func (s *Service) DeadWork(ctx context.Context, r accounts.DeadWorkRequest) (accounts.DeadWorkList, error) {
	return s.records.operator.DeadWork(ctx, r)
}

// RetryWork implements the API.
func (s *Service) RetryWork(ctx context.Context, r accounts.RetryWorkRequest) (api.Nothing, error) {
	return api.Nothing{}, s.records.operator.RetryWork(ctx, r)
}
