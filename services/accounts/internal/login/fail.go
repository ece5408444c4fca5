package login

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/throttle"
)

// nobody is the id of no user.
const nobody = 0

func (l *Login) fail(ctx context.Context, c candidate, a throttle.Attempt, origin api.Origin) (none accounts.Identity, _ metrics.Login, _ error) {
	err := l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		e := l.event(store.LoginFailed, c, origin)
		e.Detail = map[string]any{"reason": c.outcome}
		if err := store.Record(ctx, tx, e); err != nil || !a.Locks {
			return err
		}
		return l.lock(ctx, tx, c, origin)
	})
	if err != nil {
		return none, broken(err), err
	}
	return none, c.outcome, fault.New(fault.Unauthenticated, "fault.credentials")
}

// lock tells the user that the name has just been locked for unknown networks,
// and how to lift that. Names of nobody are locked by the same statements.
func (l *Login) lock(ctx context.Context, tx *db.Tx, c candidate, origin api.Origin) error {
	if err := store.Record(ctx, tx, l.event(store.LoginLocked, c, origin)); err != nil {
		return err
	}
	user, post := c.user.ID, relay.Post
	if c.user.Status != accounts.Active {
		user, post = nobody, relay.PostNothing
	}
	secret, now := ids.New(), l.o.Clock.Now()
	ends := now.Add(throttle.LockLife)
	if err := store.InsertLink(ctx, tx, store.UnlockLink, user, ids.Digest(secret), struct{}{}, now, ends); err != nil {
		return err
	}
	return post(ctx, l.o.Outbox, tx, relay.Mail{
		Request: mail.SendRequest{
			Key: "account_locked/" + ids.New(), Template: mail.AccountLocked, To: c.user.Email,
			Language: int(c.user.Language), Data: map[string]string{"url": l.o.PublicURL + "/unlock/" + secret},
		},
		Expires: ends,
	})
}

// event is about whoever the login is of; nobody knows who has tried it.
func (l *Login) event(kind store.EventKind, c candidate, origin api.Origin) store.Event {
	e := store.Event{Kind: kind, Actor: store.ActorUser, Origin: origin, Time: l.o.Clock.Now()}
	if c.user.ID != nobody {
		e.User = &c.user.ID
	}
	return e
}
