package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

// DeadWork lists what could not be handed over to others. Both queues are of one
// table.
func (s *Service) DeadWork(ctx context.Context, r api.DeadWorkRequest) (api.DeadWorkList, error) {
	return outbox.DeadWork(ctx, s.records, r)
}

// RetryWork puts such work back into the queue.
func (s *Service) RetryWork(ctx context.Context, r api.RetryWorkRequest) (api.Nothing, error) {
	return api.Nothing{}, s.notices.Retry(ctx, r.ID) // a record is found a little later
}
