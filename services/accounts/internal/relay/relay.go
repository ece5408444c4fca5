// Package relay carries what must follow a commit to the mail service.
//
// A mail is queued in the transaction that gives reason for it, sealed, as it
// holds a link. The outbox hands it over until the mail service has it; its
// key makes that one mail.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

const (
	// topicMail holds mails to hand over.
	topicMail = "mail"
	// topicNothing holds what looks like a mail and is none.
	topicNothing = "nothing"
)

// errExpired ends a mail whose link would be dead on arrival.
var errExpired = errors.New("the link expired before the mail service took the mail")

// Mail is a mail to hand over.
type Mail struct {
	Request mail.SendRequest `json:"request"`
	// Expires is when the mail loses its sense; zero is never.
	Expires time.Time `json:"expires,omitzero"`
}

// Handlers deliver what Post and PostNothing have queued.
func Handlers(service mail.Service, clock clockwork.Clock) map[string]outbox.Handler {
	return map[string]outbox.Handler{
		topicMail: func(ctx context.Context, d outbox.Delivery) error {
			return handOver(ctx, service, clock.Now(), d.Payload)
		},
		topicNothing: func(context.Context, outbox.Delivery) error { return nil },
	}
}

// Post queues a mail in the transaction.
func Post(ctx context.Context, o *outbox.Outbox, tx *db.Tx, m Mail) error {
	return add(ctx, o, tx, topicMail, m)
}

// PostNothing does the work of Post, but no mail will come of it.
func PostNothing(ctx context.Context, o *outbox.Outbox, tx *db.Tx, m Mail) error {
	return add(ctx, o, tx, topicNothing, m)
}

func add(ctx context.Context, o *outbox.Outbox, tx *db.Tx, topic string, m Mail) error {
	payload, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding a mail: %w", err)
	}
	return o.Add(ctx, tx, outbox.Message{Topic: topic, Key: m.Request.Key, Payload: payload})
}

func handOver(ctx context.Context, service mail.Service, now time.Time, payload []byte) error {
	var m Mail
	if err := json.Unmarshal(payload, &m); err != nil {
		return outbox.Permanent(fmt.Errorf("decoding a mail: %w", err))
	}
	if !m.Expires.IsZero() && !now.Before(m.Expires) {
		return outbox.Permanent(errExpired)
	}
	_, err := service.Send(ctx, m.Request)
	if fault.Is(err, fault.Invalid) {
		return outbox.Permanent(err) // it will not get better
	}
	return err
}
