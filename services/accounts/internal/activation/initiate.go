package activation

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// How many mails strangers can make an address get, within a time: enough for
// somebody who does not find the first one.
const (
	mailLimit  = 3
	mailWindow = time.Hour
)

// nobody is the id of no user.
const nobody = 0

// Initiate registers a person and queues the mail with the link. Neither its
// answer nor its work tell whether the address has an account: in that case
// the owner gets another mail, or none if the account is disabled. Nor do they
// tell that the address has got enough mails for now.
func (f *Flow) Initiate(ctx context.Context, r accounts.InitiateActivationRequest) error {
	if !f.o.SelfRegistration {
		return fault.New(fault.Forbidden, "fault.registration_off")
	}
	var v fault.Violations
	a := store.Activation{
		Kind:      accounts.LinkActivation,
		FirstName: input.Name(&v, "first_name", r.FirstName),
		LastName:  input.Name(&v, "last_name", r.LastName),
		Language:  r.Language,
		Role:      accounts.RoleOwner,
	}
	email := input.RequiredEmail(&v, "email", r.Email)
	input.Language(&v, "language", r.Language)
	if err := v.Err(); err != nil {
		return err
	}

	l := f.newLink(f.o.LinkLife)
	return f.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := f.Person(ctx, tx, email, a.Language, l.now)
		if err != nil {
			return err
		}
		mails, err := store.CountMails(ctx, tx, user.ID, l.now.Add(-mailWindow))
		if err != nil {
			return err
		}
		enough, invited := mails >= mailLimit, user.ID
		if enough {
			invited = nobody
		}
		added, err := f.add(ctx, tx, invited, a, l)
		if err != nil {
			return err
		}
		kind, state := store.ActivationInitiated, metrics.ActivationInitiated
		switch {
		case enough:
			kind, state = store.ActivationThrottled, metrics.ActivationThrottled
		case !added:
			kind, state = store.ActivationRefused, metrics.ActivationRefused
		}
		tx.OnCommit(func() { f.o.Metrics.Activation(state, 1) })
		err = store.Record(ctx, tx, store.Event{
			Kind: kind, User: &user.ID, Actor: store.ActorUser, Origin: r.Origin, Time: l.now,
		})
		if err != nil {
			return err
		}
		if added {
			return f.post(ctx, tx, mail.Activation, user, a.Language, l, "")
		}
		return f.postExists(ctx, tx, user, enough)
	})
}

// postExists tells the owner of an account that somebody tried to register
// its address. A disabled user gets nothing, nor does anybody who has got
// enough, at the same expense.
func (f *Flow) postExists(ctx context.Context, tx *db.Tx, user store.User, enough bool) error {
	m := relay.Mail{Request: mail.SendRequest{
		Key: "account_exists/" + ids.New(), Template: mail.AccountExists,
		To: user.Email, Language: int(user.Language),
		Data: map[string]string{"url": f.o.PublicURL + "/login"},
	}}
	if enough || user.Status != accounts.Active {
		return relay.PostNothing(ctx, f.o.Outbox, tx, m)
	}
	return relay.Post(ctx, f.o.Outbox, tx, m)
}
