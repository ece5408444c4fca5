// Package relay carries what must follow a commit to the other services: mail,
// the end of sessions, and that a user is to be forgotten.
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

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

const (
	// topicMail holds mails to hand over.
	topicMail = "mail"
	// topicNothing holds what looks like a mail and is none.
	topicNothing = "nothing"
	// topicSessions holds sessions to end.
	topicSessions = "sessions"
	// topicForget holds users of whom nothing may be left, one entry per service.
	topicForgetSessions = "forget.sessions"
	topicForgetOAuth    = "forget.oauth"
)

// errExpired ends a mail whose link would be dead on arrival.
var errExpired = errors.New("the link expired before the mail service took the mail")

// Mail is a mail to hand over.
type Mail struct {
	Request mail.SendRequest `json:"request"`
	// Expires is when the mail loses its sense; zero is never.
	Expires time.Time `json:"expires,omitzero"`
}

// Services are where the work goes.
type Services struct {
	Mail     mail.Service
	Sessions sessions.Service
	OAuth    oauth.Service
}

// Handlers deliver what the functions of this package have queued.
func Handlers(to Services, clock clockwork.Clock) map[string]outbox.Handler {
	return map[string]outbox.Handler{
		topicMail: func(ctx context.Context, d outbox.Delivery) error {
			return handOver(ctx, to.Mail, clock.Now(), d.Payload)
		},
		topicNothing: func(context.Context, outbox.Delivery) error { return nil },
		topicSessions: func(ctx context.Context, d outbox.Delivery) error {
			return call(ctx, d, to.Sessions.EndAll)
		},
		topicForgetSessions: func(ctx context.Context, d outbox.Delivery) error {
			return call(ctx, d, to.Sessions.Forget)
		},
		topicForgetOAuth: func(ctx context.Context, d outbox.Delivery) error {
			return call(ctx, d, to.OAuth.Forget)
		},
	}
}

// call hands the request in a delivery to a method.
func call[Request any](ctx context.Context, d outbox.Delivery, method func(context.Context, Request) (api.Nothing, error)) error {
	var r Request
	if err := json.Unmarshal(d.Payload, &r); err != nil {
		return outbox.Permanent(fmt.Errorf("decoding %s: %w", d.Topic, err))
	}
	_, err := method(ctx, r)
	if fault.Is(err, fault.Invalid) {
		return outbox.Permanent(err) // it will not get better
	}
	return err
}

// EndSessions queues the end of sessions in the transaction of its cause. The
// request has to say Before: what is opened after the cause is to stay.
func EndSessions(ctx context.Context, o *outbox.Outbox, tx *db.Tx, r sessions.EndAllRequest) error {
	return queue(ctx, o, tx, topicSessions, r)
}

// Forget queues that the other services delete what they hold about a user.
func Forget(ctx context.Context, o *outbox.Outbox, tx *db.Tx, user int64, subject string) error {
	if err := queue(ctx, o, tx, topicForgetSessions, sessions.ForgetRequest{User: user}); err != nil {
		return err
	}
	return queue(ctx, o, tx, topicForgetOAuth, oauth.SubjectRequest{Subject: subject})
}

// queue queues a request that can be repeated. Its key is new: the transaction
// that queues it happens once.
func queue(ctx context.Context, o *outbox.Outbox, tx *db.Tx, topic string, request any) error {
	payload, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", topic, err)
	}
	return o.Add(ctx, tx, outbox.Message{Topic: topic, Key: ids.New(), Payload: payload})
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
	if m.Request.Expires.IsZero() {
		m.Request.Expires = m.Expires
	}
	_, err := service.Send(ctx, m.Request)
	if fault.Is(err, fault.Invalid) {
		return outbox.Permanent(err) // it will not get better
	}
	return err
}
