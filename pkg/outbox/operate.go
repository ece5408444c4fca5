package outbox

import (
	"context"
	"time"

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
