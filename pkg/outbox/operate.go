package outbox

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Dead is a message that is not tried any more.
type Dead struct {
	ID       int64
	Topic    string
	Key      string
	Attempts int
	Created  time.Time
	Failed   time.Time // when it was given up
	Error    string    // the last one
}

// Dead lists messages that were given up, the earliest first.
func (o *Outbox) Dead(ctx context.Context, limit int) ([]Dead, error) {
	return o.store.listDead(ctx, limit)
}

// Retry makes a dead message due now, with all its attempts before it. A
// message that is not dead is a fault.NotFound.
func (o *Outbox) Retry(ctx context.Context, id int64) error {
	revived, err := o.store.revive(ctx, id, o.o.Clock.Now())
	if err != nil {
		return err
	}
	if !revived {
		return fault.New(fault.NotFound, "")
	}
	o.look()
	return nil
}

// Bounds of [DeadWork].
const (
	defaultListed = 100
	maxListed     = 500
)

// DeadWork answers an operator who asks what was given up.
func DeadWork(ctx context.Context, o *Outbox, r api.DeadWorkRequest) (api.DeadWorkList, error) {
	limit := r.Limit
	if limit < 1 {
		limit = defaultListed
	}
	dead, err := o.Dead(ctx, min(limit, maxListed))
	list := api.DeadWorkList{Work: []api.DeadWork{}}
	for _, d := range dead {
		list.Work = append(list.Work, api.DeadWork{
			ID: d.ID, Topic: d.Topic, Key: d.Key, Attempts: d.Attempts, Error: d.Error, CreatedTime: d.Created,
		})
	}
	return list, err
}
