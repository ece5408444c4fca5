package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

// DeadWork lists what could not be handed over to others.
func (s *Service) DeadWork(ctx context.Context, r api.DeadWorkRequest) (api.DeadWorkList, error) {
	return outbox.DeadWork(ctx, s.outbox, r)
}

// RetryWork puts such work back into the queue.
func (s *Service) RetryWork(ctx context.Context, r api.RetryWorkRequest) (api.Nothing, error) {
	return api.Nothing{}, s.outbox.Retry(ctx, r.ID)
}
