package reset

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// nobody is the id of no user.
const nobody = 0

// purpose is what a link was made for: a password of whoever reads the mail of
// that address, and of no other.
type purpose struct {
	Email string `json:"email"`
}

// Initiate queues the mail with the link. Neither its answer nor its work tell
// whether there is such a user, nor that they have got enough mails for now.
func (p *Passwords) Initiate(ctx context.Context, r accounts.InitiateResetRequest) error {
	if r.Login == "" {
		return fault.Field("user", "validation.required") // as the public API calls it
	}
	secret, now := ids.New(), p.o.Clock.Now()
	ends := now.Add(linkLife)
	return p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := p.find(ctx, tx, r.Login)
		if err != nil {
			return err
		}
		mails, err := store.CountLinks(ctx, tx, user.ID, store.ResetLink, now.Add(-mailWindow))
		if err != nil {
			return err
		}
		receiver, post := int64(nobody), relay.PostNothing
		if user.Status == accounts.Active && mails < mailLimit {
			receiver, post = user.ID, relay.Post
		}
		err = store.InsertLink(ctx, tx, store.ResetLink, receiver, ids.Digest(secret), purpose{user.Email}, now, ends)
		if err != nil {
			return err
		}
		e := store.Event{
			Kind: store.PasswordResetInitiated, Actor: store.ActorUser, Origin: r.Origin, Time: now,
			Detail: map[string]any{"mailed": receiver != nobody},
		}
		if user.ID != nobody {
			e.User = &user.ID
		}
		if err := store.Record(ctx, tx, e); err != nil {
			return err
		}
		return post(ctx, p.o.Outbox, tx, relay.Mail{
			Request: mail.SendRequest{
				Key: "password_reset/" + ids.New(), Template: mail.PasswordReset, To: user.Email, Language: int(user.Language),
				Data: map[string]string{"url": p.o.PublicURL + "/reset/" + secret},
			},
			Expires: ends,
		})
	})
}

// find is the user of a login, whose row it keeps, so that requests at once
// count each other; the zero User if there is none.
func (p *Passwords) find(ctx context.Context, tx *db.Tx, login string) (store.User, error) {
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
