package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// ListEvents implements the API.
func (s *Service) ListEvents(ctx context.Context, r accounts.ListEventsRequest) (accounts.EventList, error) {
	return s.records.audit.List(ctx, r)
}

// RecordEvent implements the API.
func (s *Service) RecordEvent(ctx context.Context, r accounts.RecordEventRequest) (api.Nothing, error) {
	return api.Nothing{}, s.records.audit.Record(ctx, r)
}
