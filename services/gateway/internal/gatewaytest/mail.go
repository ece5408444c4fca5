package gatewaytest

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Mail is a double of the mail service with a mailbox, or without one.
type Mail struct {
	mail.Service // what is not doubled panics

	Messages []mail.Message // nil: there is no mailbox
	Err      error
}

// Mailbox implements mail.Service.
func (m *Mail) Mailbox(context.Context, mail.MailboxRequest) (mail.Mailbox, error) {
	switch {
	case m.Err != nil:
		return mail.Mailbox{}, m.Err
	case m.Messages == nil:
		return mail.Mailbox{}, fault.New(fault.NotFound, "")
	}
	return mail.Mailbox{Messages: m.Messages}, nil
}
