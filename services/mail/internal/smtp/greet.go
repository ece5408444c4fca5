package smtp

import (
	"context"
	"slices"

	gomail "github.com/wneessen/go-mail"
)

// Greet connects, encrypts and authenticates as for a mail, and takes its leave.
func (s *Server) Greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	client, err := gomail.NewClient(s.options.Host, append(slices.Clone(s.client), gomail.WithDialContextFunc(s.dialer(ctx)))...)
	if err != nil {
		return failure(ctx, err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return failure(ctx, err)
	}
	_ = client.CloseWithSMTPClient(session) // whether they say goodbye does not matter
	return nil
}
