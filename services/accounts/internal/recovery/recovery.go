// Package recovery lets users in again who have lost a factor and what stands in
// for it.
//
// A user asks, confirms by a mailed link, and waits to be approved: by anybody of
// a hub of theirs who may decide that, or for a day in which they can still be
// found to have lost nothing. An approval mails a code, by which package challenge
// lets them in to replace the factor.
package recovery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	linkLife = 24 * time.Hour
	// How many links strangers can make a user get, within a time.
	mailLimit  = 3
	mailWindow = time.Hour
	// codeHours is how long the code of an approval works.
	codeHours = 24
	// delay is how long a request waits that nobody can decide on.
	delay = 24 * time.Hour
	// retention is for how long requests are kept; one on which nobody has decided
	// by then is over.
	retention = 14 * 24 * time.Hour
)

// nobody is the id of no user.
const nobody = 0

// Options are what Recoveries need; all are required.
type Options struct {
	DB         *db.DB
	Outbox     *outbox.Outbox
	Clock      clockwork.Clock
	Logger     *slog.Logger
	Challenges *challenge.Challenges
	// PublicURL is the origin of links, without a slash at its end.
	PublicURL string
	// FinishWindow is how long after a link was opened the request can be
	// confirmed.
	FinishWindow time.Duration
}

// Recoveries let users in again.
type Recoveries struct{ o Options }

// New makes Recoveries.
func New(o Options) *Recoveries { return &Recoveries{o} }

// asked is what a link was made for: a request of whoever reads the mail of that
// address, and of no other.
type asked struct {
	Email string    `json:"email"`
	Time  time.Time `json:"time"`
}

// Initiate queues the mail with the link. Neither its answer nor its work tell
// whether there is such a user, nor that they have got enough mails for now.
func (s *Recoveries) Initiate(ctx context.Context, r accounts.InitiateResetRequest) error {
	if r.Login == "" {
		return fault.Field("user", "validation.required") // as the public API calls it
	}
	secret, now := ids.New(), s.o.Clock.Now()
	ends := now.Add(linkLife)
	return s.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := find(ctx, tx, r.Login)
		if err != nil {
			return err
		}
		mails, err := store.CountLinks(ctx, tx, user.ID, store.RecoveryLink, now.Add(-mailWindow))
		if err != nil {
			return err
		}
		receiver, post := int64(nobody), relay.PostNothing
		if user.Status == accounts.Active && mails < mailLimit {
			receiver, post = user.ID, relay.Post
		}
		err = store.InsertLink(ctx, tx, store.RecoveryLink, receiver, ids.Digest(secret), asked{user.Email, now}, now, ends)
		if err != nil {
			return err
		}
		e := store.Event{
			Kind: store.RecoveryInitiated, Actor: store.ActorUser, Origin: r.Origin, Time: now,
			Detail: map[string]any{"mailed": receiver != nobody},
		}
		if user.ID != nobody {
			e.User = &user.ID
		}
		if err := store.Record(ctx, tx, e); err != nil {
			return err
		}
		return post(ctx, s.o.Outbox, tx, relay.Mail{
			Request: mail.SendRequest{
				Key: "recovery/" + ids.New(), Template: mail.Recovery, To: user.Email, Language: int(user.Language),
				Data: map[string]string{"url": s.o.PublicURL + "/link/" + secret}, Expires: ends,
			},
			Expires: ends,
		})
	})
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

// Sweep removes requests that are needed no more, and tells how many.
func (s *Recoveries) Sweep(ctx context.Context) (int64, error) {
	return store.SweepRecoveries(ctx, s.o.DB, s.o.Clock.Now().Add(-retention))
}

func notFound() error { return fault.New(fault.NotFound, "") }

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return notFound()
	}
	return err
}
