// Package factor lets users manage by what they confirm their logins besides the
// password, and the codes for when that is lost.
package factor

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// codesAtOnce is how many recovery codes a user gets.
const codesAtOnce = 10

// Passwords check the current password of a user who is logged in, and give its
// hash. Invalid in the field if it is wrong, Throttled after too many wrong ones.
type Passwords interface {
	Confirm(ctx context.Context, a api.Actor, field, password string) (hash string, err error)
}

// Options are what Factors need; all are required.
type Options struct {
	DB         *db.DB
	Outbox     *outbox.Outbox
	Clock      clockwork.Clock
	Challenges *challenge.Challenges
	Passwords  Passwords
	// Product is what apps call the installation.
	Product string
}

// Factors manages factors.
type Factors struct{ o Options }

// New makes Factors.
func New(o Options) *Factors { return &Factors{o} }

// List lists the actor's factors.
func (s *Factors) List(ctx context.Context, a api.Actor) (accounts.FactorList, error) {
	if err := a.InPerson(); err != nil {
		return accounts.FactorList{}, err
	}
	if _, err := active(store.UserByID(ctx, s.o.DB, a.User)); err != nil {
		return accounts.FactorList{}, err
	}
	factors, err := store.FactorsOf(ctx, s.o.DB, a.User)
	if err != nil {
		return accounts.FactorList{}, err
	}
	list := accounts.FactorList{Factors: make([]accounts.Factor, 0, len(factors))}
	for _, f := range factors {
		shown, err := s.show(f)
		if err != nil {
			return accounts.FactorList{}, err
		}
		list.Factors = append(list.Factors, shown)
	}
	list.RecoveryCodes, err = store.CountRecoveryCodes(ctx, s.o.DB, a.User)
	return list, err
}

// Renew gives the actor new recovery codes.
func (s *Factors) Renew(ctx context.Context, a api.Actor) (codes accounts.RecoveryCodes, _ error) {
	err := s.change(ctx, a, func(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error {
		strongest, err := store.StrongestChannel(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		if strongest == accounts.ChannelEmail {
			return fault.New(fault.Conflict, "fault.no_factor")
		}
		if codes.Codes, err = s.newCodes(ctx, tx, user, now); err != nil {
			return err
		}
		if err := store.Record(ctx, tx, store.Did(store.RecoveryCodesRenewed, a, now)); err != nil {
			return err
		}
		return s.tell(ctx, tx, user, mail.RecoveryCodesNew, a, now)
	})
	if err != nil {
		return accounts.RecoveryCodes{}, err
	}
	return codes, nil
}

// active is NotFound unless the user is there and active.
func active(user store.User, err error) (store.User, error) {
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return store.User{}, notFound()
	}
	return user, err
}

func notFound() error { return fault.New(fault.NotFound, "") }

// change runs fn with the actor, who may change their factors and is held.
func (s *Factors) change(ctx context.Context, a api.Actor, fn func(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error) error {
	if err := a.InPerson(); err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := active(store.HoldUser(ctx, tx, a.User))
		if err != nil {
			return err
		}
		return fn(ctx, tx, user, s.o.Clock.Now())
	})
}

// find finds a factor of the user's; NotFound if there is none.
func find(ctx context.Context, q db.Queryer, user int64, ref api.Ref) (store.Factor, error) {
	if ref.Hash != "" && !ids.Valid(ref.Hash) {
		return store.Factor{}, notFound()
	}
	f, err := store.FactorByRef(ctx, q, user, ref)
	if errors.Is(err, db.ErrNoRows) {
		return store.Factor{}, notFound()
	}
	return f, err
}

// newCodes gives the user recovery codes in the place of all others.
func (s *Factors) newCodes(ctx context.Context, tx *db.Tx, user store.User, now time.Time) (shown []string, _ error) {
	shown, macs := s.o.Challenges.NewRecoveryCodes(user.ID, codesAtOnce)
	return shown, store.ReplaceRecoveryCodes(ctx, tx, user.ID, macs, now)
}

func (s *Factors) tell(ctx context.Context, tx *db.Tx, user store.User, event mail.Event, a api.Actor, now time.Time) error {
	return notice.Send(ctx, s.o.Outbox, tx, user, notice.Notice{Event: event, Origin: a.Origin, Time: now})
}

// record writes down what happened to a factor.
func record(ctx context.Context, tx *db.Tx, kind store.EventKind, a api.Actor, f store.Factor, now time.Time) error {
	e := store.Did(kind, a, now)
	e.Detail = map[string]any{"factor": f.ID, "channel": f.Channel}
	return store.Record(ctx, tx, e)
}

// show is a factor as its user sees it.
func (s *Factors) show(f store.Factor) (accounts.Factor, error) {
	shown := accounts.Factor{
		ID: f.ID, Hash: f.Hash, Channel: f.Channel, Confirmed: f.Confirmed != nil,
		LastUsedTime: f.LastUsed, CreatedTime: f.Created, ModifiedTime: f.Modified,
	}
	if f.Channel != accounts.ChannelSMS {
		return shown, nil
	}
	number, err := s.o.Challenges.Unseal(f)
	shown.Number = challenge.MaskNumber(number)
	return shown, err
}
