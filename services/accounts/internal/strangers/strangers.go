// Package strangers mails links that anybody may ask for by naming a user. Neither
// the answer nor the work tells whether there is such a user, or that they have
// got enough mails for now.
package strangers

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// How many links of a kind strangers can make a user get, within a time.
const (
	mailLimit  = 3
	mailWindow = time.Hour
)

// nobody is the id of no user.
const nobody = 0

// Purpose is what a link was made for: something of whoever reads the mail of
// that address, and of no other.
type Purpose struct {
	Email string    `json:"email"`
	Time  time.Time `json:"time"`
}

// Link is a link to mail.
type Link struct {
	Kind     store.MailedLinkKind
	Event    store.EventKind // that records the request
	Template mail.Template
	URL      string // the link itself follows
	Life     time.Duration
}

// Post queues a mail with the link for the user of the request.
func Post(ctx context.Context, d *db.DB, box *outbox.Outbox, clock clockwork.Clock, r accounts.InitiateResetRequest, l Link) error {
	if r.Login == "" {
		return fault.Field("user", "validation.required") // as the public API calls it
	}
	secret, now := ids.New(), clock.Now()
	ends := now.Add(l.Life)
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := find(ctx, tx, r.Login)
		if err != nil {
			return err
		}
		mails, err := store.CountLinks(ctx, tx, user.ID, l.Kind, now.Add(-mailWindow))
		if err != nil {
			return err
		}
		receiver, post := int64(nobody), relay.PostNothing
		if user.Status == accounts.Active && mails < mailLimit {
			receiver, post = user.ID, relay.Post
		}
		if err := store.InsertLink(ctx, tx, l.Kind, receiver, ids.Digest(secret), Purpose{user.Email, now}, now, ends); err != nil {
			return err
		}
		if err := store.Record(ctx, tx, l.event(user, r, now, receiver != nobody)); err != nil {
			return err
		}
		return post(ctx, box, tx, relay.Mail{
			Request: mail.SendRequest{
				Key: string(l.Template) + "/" + ids.New(), Template: l.Template, To: user.Email, Language: int(user.Language),
				Data: map[string]string{"url": l.URL + secret}, Expires: ends,
			},
			Expires: ends,
		})
	})
}

func (l Link) event(user store.User, r accounts.InitiateResetRequest, now time.Time, mailed bool) store.Event {
	e := store.Event{
		Kind: l.Event, Actor: store.ActorUser, Origin: r.Origin, Time: now,
		Detail: map[string]any{"mailed": mailed},
	}
	if user.ID != nobody {
		e.User = &user.ID
	}
	return e
}

// find is the user of a login, who is held, so that requests at once count each
// other; the zero User if there is none.
func find(ctx context.Context, tx *db.Tx, login string) (store.User, error) {
	email, alias := input.LoginKey(login)
	found, _, err := store.UserByLogin(ctx, tx, email, alias)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return store.User{}, err
	}
	user, err := store.HoldUser(ctx, tx, found.ID)
	if errors.Is(err, db.ErrNoRows) {
		return store.User{}, nil
	}
	return user, err
}
