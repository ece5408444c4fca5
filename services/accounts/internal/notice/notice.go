// Package notice tells users by mail what has happened to their accounts.
package notice

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Notice is one event and whom to tell of it.
type Notice struct {
	Event  mail.Event
	Origin api.Origin
	Time   time.Time
	// Subject is what it is about; see mail.Event.
	Subject string
	// To is where it goes if not to the user's address: the old one.
	To string
}

// Send queues the notice in the transaction of what it tells of.
func Send(ctx context.Context, box *outbox.Outbox, tx *db.Tx, user store.User, n Notice) error {
	to := n.To
	if to == "" {
		to = user.Email
	}
	origin := input.Origin(n.Origin)
	return relay.Post(ctx, box, tx, relay.Mail{Request: mail.SendRequest{
		Key:      "notice/" + ids.New(), // the transaction that queues it happens once
		Template: mail.SecurityNotice, To: to, Language: int(user.Language),
		Data: map[string]string{
			"event": string(n.Event), "time": n.Time.UTC().Format(time.RFC3339), "subject": n.Subject,
			"address": origin.Address, "device": origin.UserAgent,
		},
	}})
}
