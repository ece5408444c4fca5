package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// toServer hands a mail to the SMTP server.
func (s *Service) toServer(ctx context.Context, d outbox.Delivery) error {
	m, err := unpack(d)
	if err != nil {
		return err
	}
	err = s.server.Send(ctx, smtp.Mail{
		Key: d.Key, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: d.Created,
	})
	switch {
	case err == nil:
		s.metrics.count(m.Template, stateSent)
		return nil
	case errors.Is(err, context.Canceled):
		return err // by the end of the process, or of the lease: no verdict
	case smtp.Permanent(err) || s.clock.Since(d.Created) >= tryFor:
		s.metrics.count(m.Template, stateDead)
		return outbox.Permanent(err)
	default:
		s.metrics.count(m.Template, stateDeferred)
		return err
	}
}

// toMailbox puts a mail into the development mailbox.
func (s *Service) toMailbox(ctx context.Context, d outbox.Delivery) error {
	m, err := unpack(d)
	if err != nil {
		return err
	}
	if err := s.mailbox.put(ctx, d.Key, m, s.clock.Now()); err != nil {
		return err
	}
	s.metrics.count(m.Template, stateSent)
	return nil
}

func unpack(d outbox.Delivery) (queued, error) {
	var m queued
	if err := json.Unmarshal(d.Payload, &m); err != nil {
		// The error's own text could quote the mail.
		return queued{}, outbox.Permanent(fmt.Errorf("mail: the queued mail is no JSON: %T", err))
	}
	return m, nil
}
