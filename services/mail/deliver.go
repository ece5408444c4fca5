package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/sms"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// deliverBy is a handler that delivers by carry what has not expired.
func (s *Service) deliverBy(carry func(context.Context, outbox.Delivery, queued) error) outbox.Handler {
	return func(ctx context.Context, d outbox.Delivery) error {
		m, err := unpack(d)
		if err != nil {
			return err
		}
		if !m.Expires.IsZero() && !s.clock.Now().Before(m.Expires) {
			// Nobody need do anything about it, so it is not a dead letter.
			s.metrics.count(m, stateExpired)
			s.logger.InfoContext(ctx, "a mail was not delivered before it expired",
				slog.String("template", string(m.Template)), slog.Int64("id", d.ID), slog.Int("attempt", d.Attempt))
			return nil
		}
		return s.judge(ctx, d, m, carry(ctx, d, m))
	}
}

// judge counts the outcome of an attempt, and decides whether there is another.
func (s *Service) judge(ctx context.Context, d outbox.Delivery, m queued, err error) error {
	switch {
	case err == nil:
		s.metrics.sent(ctx, m, s.clock.Since(d.Created))
		return nil
	case errors.Is(err, context.Canceled):
		return err // by the end of the process, or of the lease: no verdict
	case smtp.Permanent(err), sms.Permanent(err), s.clock.Since(d.Created) >= tryFor:
		s.metrics.count(m, stateDead)
		return outbox.Permanent(err)
	case smtp.Later(err):
		s.metrics.count(m, statePostponed)
		return err
	default:
		s.metrics.count(m, stateDeferred)
		return err
	}
}

// toServer hands a mail to the SMTP server.
func (s *Service) toServer(ctx context.Context, d outbox.Delivery, m queued) error {
	return s.server.Send(ctx, smtp.Mail{
		Key: d.Key, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: d.Created,
	})
}

// errNoGateway is of an SMS that was accepted when there was a gateway.
var errNoGateway = errors.New("mail: GATEHOUSE_SMS_URL is not set any more")

// toGateway hands an SMS to the gateway.
func (s *Service) toGateway(ctx context.Context, d outbox.Delivery, m queued) error {
	if s.gateway == nil {
		return errNoGateway
	}
	err := s.gateway.Send(ctx, sms.Message{Key: d.Key, To: m.To, Text: m.Text})
	var f *sms.Failure
	if errors.As(err, &f) && f.RetryAfter > 0 {
		// The form in which the outbox takes it.
		return fault.New(fault.Throttled, "").After(min(f.RetryAfter, longestWait)).Because(err)
	}
	return err
}

// toMailbox puts a message into the development mailbox.
func (s *Service) toMailbox(ctx context.Context, d outbox.Delivery, m queued) error {
	return s.mailbox.put(ctx, d.Key, m, s.clock.Now())
}

func unpack(d outbox.Delivery) (queued, error) {
	var m queued
	if err := json.Unmarshal(d.Payload, &m); err != nil {
		// The error's own text could quote the mail.
		return queued{}, outbox.Permanent(fmt.Errorf("mail: the queued mail is no JSON: %T", err))
	}
	return m, nil
}
