// Package login checks who somebody is by their password.
package login

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// rehashLimit bounds how long a login may be held up by storing a better hash.
const rehashLimit = time.Second

// Options are what a Login needs; all are required.
type Options struct {
	DB      *db.DB
	Hasher  *password.Hasher
	Clock   clockwork.Clock
	Logger  *slog.Logger
	Metrics *metrics.Metrics
}

// Login authenticates users.
type Login struct{ o Options }

// New makes a Login.
func New(o Options) *Login { return &Login{o} }

// Authenticate checks a password. Whoever cannot log in, for whatever reason,
// costs one hash and one audit record and gets the same answer.
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
	match, err := l.check(ctx, c, r)
	if err != nil {
		return none, broken(err), err
	}
	if !match {
		return l.fail(ctx, c, r.Origin)
	}
	identity, still, err := l.succeed(ctx, c, r)
	if err != nil {
		return none, broken(err), err
	}
	if !still {
		return l.fail(ctx, c, r.Origin)
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

func (l *Login) check(ctx context.Context, c candidate, r accounts.AuthenticateRequest) (bool, error) {
	if c.hash == "" {
		return false, l.o.Hasher.Refuse(ctx, r.Origin.Address, r.Password)
	}
	return l.o.Hasher.Verify(ctx, r.Origin.Address, r.Password, c.hash)
}

// succeed records the login, unless the account has changed while the
// password was being checked: who disables a user, or changes a password, must
// not be overtaken by a login from before.
func (l *Login) succeed(ctx context.Context, c candidate, r accounts.AuthenticateRequest) (identity accounts.Identity, still bool, err error) {
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
		e := l.event(store.LoginSucceeded, c, r.Origin)
		if hub != nil {
			e.Hub = &hub.ID
		}
		return store.Record(ctx, tx, e)
	})
	return identity, still, err
}

func (l *Login) fail(ctx context.Context, c candidate, origin api.Origin) (none accounts.Identity, _ metrics.Login, _ error) {
	err := l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		e := l.event(store.LoginFailed, c, origin)
		e.Detail = map[string]any{"reason": c.outcome}
		return store.Record(ctx, tx, e)
	})
	if err != nil {
		return none, broken(err), err
	}
	return none, c.outcome, fault.New(fault.Unauthenticated, "fault.credentials")
}

func (l *Login) event(kind store.EventKind, c candidate, origin api.Origin) store.Event {
	e := store.Event{Kind: kind, Actor: store.ActorUser, Origin: origin, Time: l.o.Clock.Now()}
	if c.user.ID != 0 {
		e.User = &c.user.ID
	}
	if kind == store.LoginSucceeded {
		e.ActorID = &c.user.ID
	}
	return e
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
