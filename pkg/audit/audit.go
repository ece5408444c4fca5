// Package audit brings what happens in one service to the audit record, which
// accounts keeps: an event is queued in the transaction of what it tells of, and
// handed over by the service's outbox.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

// Topic of the outbox's messages that hold events.
const Topic = "audit"

// Queue queues an event in the transaction of what it tells of. Its key is new:
// that transaction happens once.
func Queue(ctx context.Context, o *outbox.Outbox, tx *db.Tx, e accounts.RecordEventRequest) error {
	e.Key = ids.New()
	e.Origin = e.Origin.Storable()
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("audit: encode an event: %w", err)
	}
	return o.Add(ctx, tx, outbox.Message{Topic: Topic, Key: e.Key, Payload: payload})
}

// HandOver is the outbox's handler of the topic: it gives events to who keeps
// them.
func HandOver(to accounts.Auditing) outbox.Handler {
	return func(ctx context.Context, d outbox.Delivery) error {
		var e accounts.RecordEventRequest
		if err := json.Unmarshal(d.Payload, &e); err != nil {
			return outbox.Permanent(fmt.Errorf("audit: decode an event: %w", err))
		}
		_, err := to.RecordEvent(ctx, e)
		if fault.Is(err, fault.Invalid) {
			return outbox.Permanent(err) // it will not get better
		}
		return err
	}
}
