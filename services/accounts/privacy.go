package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// ExportAccount implements the API.
func (s *Service) ExportAccount(ctx context.Context, r accounts.ActorRequest) (accounts.Export, error) {
	return s.records.privacy.Export(ctx, r)
}

// RequestDeletion implements the API.
func (s *Service) RequestDeletion(ctx context.Context, r accounts.RequestDeletionRequest) (accounts.Deletion, error) {
	return s.records.privacy.Request(ctx, r)
}

// CancelDeletion implements the API.
func (s *Service) CancelDeletion(ctx context.Context, r accounts.ActorRequest) (api.Nothing, error) {
	return api.Nothing{}, s.records.privacy.Cancel(ctx, r)
}
