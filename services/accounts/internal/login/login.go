// Package login checks who somebody is by their password.
package login

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/device"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/throttle"
)

// rehashLimit bounds how long a login may be held up by storing a better hash,
// and returnLimit how long taking an attempt back may take.
const (
	rehashLimit = time.Second
	returnLimit = 3 * time.Second
)

// Options are what a Login needs; all are required.
type Options struct {
	DB       *db.DB
	Outbox   *outbox.Outbox
	Hasher   *password.Hasher
	Throttle *throttle.Throttle
	Clock    clockwork.Clock
	Logger   *slog.Logger
	Metrics  *metrics.Metrics
	// PublicURL is the origin of links, without a slash at its end.
	PublicURL string
}

// Login authenticates users.
type Login struct{ o Options }

// New makes a Login.
func New(o Options) *Login { return &Login{o} }

// Authenticate checks a password. Whoever cannot log in, for whatever reason,
// costs one hash and the same statements, and gets the same answer. It is not
// yet a login, so only failures go on record here; see package admission.
func (l *Login) Authenticate(ctx context.Context, r accounts.AuthenticateRequest) (accounts.Identity, error) {
	identity, outcome, err := l.authenticate(ctx, r)
	if outcome != "" {
		l.o.Metrics.Login(outcome)
	}
	return identity, err
}

func (l *Login) authenticate(ctx context.Context, r accounts.AuthenticateRequest) (none accounts.Identity, _ metrics.Login, _ error) {
	var v fault.Violations
	if r.Login == "" {
		v.Add("user", "validation.required") // as the public API calls it
	}
	if r.Password == "" {
		v.Add("password", "validation.required")
	}
	if err := v.Err(); err != nil {
		return none, "", err
	}

	c, err := l.find(ctx, l.o.DB, r.Login)
	if err != nil {
		return none, broken(err), err
	}
	attempt, err := l.attempt(ctx, c, r)
	if err != nil {
		return none, broken(err), err
	}
	if err := attempt.Err(); err != nil {
		return none, metrics.LoginThrottled, err
	}
	match, err := l.check(ctx, c, r)
	if err != nil {
		l.takeBack(ctx, attempt)
		return none, broken(err), err
	}
	if !match {
		return l.fail(ctx, c, attempt, r.Origin)
	}
	identity, still, err := l.succeed(ctx, c, attempt, r)
	if err != nil {
		return none, broken(err), err
	}
	if !still {
		return l.fail(ctx, c, attempt, r.Origin)
	}
	l.improve(ctx, c, r.Password)
	return identity, metrics.LoginSuccess, nil
}

// candidate is whom a login may be of.
type candidate struct {
	user    store.User // the zero User if nobody
	hash    string     // empty unless the user may log in with a password
	outcome metrics.Login
}

func (l *Login) find(ctx context.Context, q db.Queryer, login string) (candidate, error) {
	email, alias := input.LoginKey(login)
	user, hash, err := store.UserByLogin(ctx, q, email, alias)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return candidate{outcome: metrics.LoginUnknown}, nil
	case err != nil:
		return candidate{}, err
	case user.Status == accounts.Invited:
		return candidate{user: user, outcome: metrics.LoginInvited}, nil
	case user.Status != accounts.Active:
		return candidate{user: user, outcome: metrics.LoginDisabled}, nil
	case hash == "":
		return candidate{user: user, outcome: metrics.LoginNoPassword}, nil
	default:
		return candidate{user: user, hash: hash, outcome: metrics.LoginPassword}, nil
	}
}

// attempt counts the attempt before anything is known of its password, so that
// many at once are as many.
func (l *Login) attempt(ctx context.Context, c candidate, r accounts.AuthenticateRequest) (a throttle.Attempt, err error) {
	now, place := l.o.Clock.Now(), device.Of(r.Origin)
	known, err := store.KnownPlace(ctx, l.o.DB, c.user.ID, place.Device, place.Network, now.Add(-device.Memory))
	if err != nil {
		return throttle.Attempt{}, err
	}
	err = l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		a, err = l.o.Throttle.Login(ctx, tx, r.Login, known.Network, r.Origin)
		if err != nil || !a.Notable() {
			return err
		}
		return store.Record(ctx, tx, l.event(store.LoginThrottled, c, r.Origin))
	})
	return a, err
}

func (l *Login) check(ctx context.Context, c candidate, r accounts.AuthenticateRequest) (bool, error) {
	if c.hash == "" {
		return false, l.o.Hasher.Refuse(ctx, r.Origin.Address, r.Password)
	}
	return l.o.Hasher.Verify(ctx, r.Origin.Address, r.Password, c.hash)
}

// takeBack forgets an attempt that was not made, as too many others were. If
// it cannot, the attempt counts as a failure.
func (l *Login) takeBack(ctx context.Context, a throttle.Attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnLimit)
	defer cancel()
	err := l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return l.o.Throttle.Return(ctx, tx, a) })
	if err != nil {
		l.o.Logger.WarnContext(ctx, "could not take back an attempt to log in that was not made", slog.Any("error", err))
	}
}

// succeed finds out where the user belongs, unless the account has changed
// while the password was being checked: who disables a user, or changes a
// password, must not be overtaken by a login from before.
func (l *Login) succeed(ctx context.Context, c candidate, a throttle.Attempt, r accounts.AuthenticateRequest) (identity accounts.Identity, still bool, err error) {
	err = l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now, err := l.find(ctx, tx, r.Login)
		if err != nil || now.user.ID != c.user.ID || now.hash != c.hash {
			return err
		}
		hub, err := store.CurrentHub(ctx, tx, now.user, l.o.Clock.Now())
		if err != nil {
			return err
		}
		identity, still = accounts.Identity{User: now.user.User, Hub: hub}, true
		return l.o.Throttle.Succeeded(ctx, tx, a)
	})
	return identity, still, err
}

// improve hashes the password again if its hash was made with other parameters
// than today's. It is a courtesy: nothing that goes wrong here fails a login.
func (l *Login) improve(ctx context.Context, c candidate, password string) {
	if !l.o.Hasher.Outdated(c.hash) {
		return
	}
	hash, ok := l.o.Hasher.Rehash(password)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, rehashLimit)
	defer cancel()
	if _, err := store.ReplaceCredential(ctx, l.o.DB, c.user.ID, c.hash, hash, l.o.Clock.Now()); err != nil {
		l.o.Logger.WarnContext(ctx, "could not store a better hash of a password; the next login tries again",
			slog.Int64("user", c.user.ID), slog.Any("error", err))
	}
}

func broken(err error) metrics.Login {
	if fault.From(err).Kind == fault.Unavailable {
		return metrics.LoginUnavailable
	}
	return metrics.LoginError
}
