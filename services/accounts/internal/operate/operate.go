// Package operate is what whoever runs the installation does to accounts and
// to work that got stuck.
package operate

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// How many entries a list has at most, and how many if nobody says.
const (
	maxListed     = 500
	defaultListed = 100
)

// Options are what an Operator needs.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Clock  clockwork.Clock
}

// Operator does what only an operator may.
type Operator struct{ o Options }

// New makes an Operator.
func New(o Options) *Operator { return &Operator{o} }

// SetStatus disables or enables a user. What is so already stays as it is.
func (p *Operator) SetStatus(ctx context.Context, r accounts.SetStatusRequest) (accounts.User, error) {
	if r.Status != accounts.Active && r.Status != accounts.Disabled {
		return accounts.User{}, fault.Field("status", "validation.one_of", "Values", "0, 1")
	}
	var user store.User
	err := p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if user, err = find(ctx, tx, r.User); err != nil {
			return err
		}
		now := p.o.Clock.Now()
		changed, err := store.SetStatus(ctx, tx, user.ID, r.Status, now)
		if err != nil {
			return err
		}
		if user, err = store.UserByID(ctx, tx, user.ID); err != nil {
			return err
		}
		switch {
		case user.Status == accounts.Invited:
			return fault.New(fault.Conflict, "")
		case !changed:
			return nil
		case r.Status == accounts.Disabled:
			return p.disabled(ctx, tx, user, now)
		default:
			return p.record(ctx, tx, store.UserEnabled, user, now)
		}
	})
	return user.User, err
}

// find finds a user by hash or address.
func find(ctx context.Context, tx *db.Tx, named string) (user store.User, err error) {
	if ids.Valid(named) {
		user, err = store.UserByHash(ctx, tx, named)
	} else {
		email, parseErr := input.ParseEmail(named)
		if parseErr != nil {
			return store.User{}, fault.New(fault.NotFound, "").Because(parseErr)
		}
		user, err = store.UserByEmail(ctx, tx, email.Key)
	}
	if errors.Is(err, db.ErrNoRows) {
		return store.User{}, fault.New(fault.NotFound, "")
	}
	return user, err
}

// disabled is what follows when somebody has been disabled.
func (p *Operator) disabled(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error {
	end := sessions.EndAllRequest{User: user.ID, UserHash: user.Hash, Before: now, Tokens: true}
	if err := relay.EndSessions(ctx, p.o.Outbox, tx, end); err != nil {
		return err
	}
	if err := notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{Event: mail.AccountDisabled, Time: now}); err != nil {
		return err
	}
	return p.record(ctx, tx, store.UserDisabled, user, now)
}

func (p *Operator) record(ctx context.Context, tx *db.Tx, kind store.EventKind, user store.User, now time.Time) error {
	return store.Record(ctx, tx, store.Event{Kind: kind, User: &user.ID, Actor: store.ActorOperator, Time: now})
}

// DeadWork lists what could not be handed over to other services.
func (p *Operator) DeadWork(ctx context.Context, r accounts.DeadWorkRequest) (accounts.DeadWorkList, error) {
	limit := r.Limit
	if limit < 1 {
		limit = defaultListed
	}
	dead, err := p.o.Outbox.Dead(ctx, min(limit, maxListed))
	list := accounts.DeadWorkList{Work: []accounts.DeadWork{}}
	for _, d := range dead {
		list.Work = append(list.Work, accounts.DeadWork{
			ID: d.ID, Topic: d.Topic, Key: d.Key, Attempts: d.Attempts, Error: d.Error, CreatedTime: d.Created,
		})
	}
	return list, err
}

// RetryWork puts such work back into the queue.
func (p *Operator) RetryWork(ctx context.Context, r accounts.RetryWorkRequest) error {
	return p.o.Outbox.Retry(ctx, r.ID)
}
