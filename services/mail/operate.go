package mail

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// How many mails the mailbox keeps and a list has at most, and how many if
// nobody says.
const (
	maxListed     = 500
	defaultListed = 100
)

// Mailbox shows the development mailbox, newest first. NotFound where there is
// none.
func (s *Service) Mailbox(ctx context.Context, r mail.MailboxRequest) (mail.Mailbox, error) {
	if s.mailbox == nil {
		return mail.Mailbox{}, fault.New(fault.NotFound, "")
	}
	messages, err := s.mailbox.list(ctx, listed(r.Limit))
	return mail.Mailbox{Messages: messages}, err
}

// Dead lists the mails and short messages that are not tried any more.
func (s *Service) Dead(ctx context.Context, r mail.DeadRequest) (mail.DeadLetters, error) {
	dead, err := s.queues[mail.Email].Dead(ctx, listed(r.Limit))
	if err != nil {
		return mail.DeadLetters{}, err
	}
	letters := []mail.DeadLetter{}
	for _, d := range dead {
		letters = append(letters, mail.DeadLetter{ID: d.ID, Key: d.Key, Attempts: d.Attempts, Error: d.Error, Created: d.Created})
	}
	return mail.DeadLetters{Letters: letters}, nil
}

// Retry tries a dead letter again: once if it was accepted days ago, else as
// any other mail. NotFound if it is none.
func (s *Service) Retry(ctx context.Context, r mail.RetryRequest) (api.Nothing, error) {
	return api.Nothing{}, s.queues[mail.Email].Retry(ctx, r.ID) // an SMS is found a little later
}

func listed(limit int) int {
	if limit <= 0 {
		return defaultListed
	}
	return min(limit, maxListed)
}
