// Package reset sets new passwords: by a mailed link, or by the current one.
package reset

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/login"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/strangers"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/throttle"
)

// linkLife is how long a mailed link works.
const linkLife = time.Hour

// A new password may be none of the last so many, of which earlier are those
// before the current one.
const (
	remembered = 5
	earlier    = remembered - 1
)

// Options are what Passwords need; all are required.
type Options struct {
	DB        *db.DB
	Outbox    *outbox.Outbox
	Hasher    *password.Hasher
	Login     *login.Login
	Throttle  *throttle.Throttle
	Directory *directory.Directory
	Clock     clockwork.Clock
	// PublicURL is the origin of links, without a slash at its end.
	PublicURL string
}

// Passwords changes them.
type Passwords struct{ o Options }

// New makes Passwords.
func New(o Options) *Passwords { return &Passwords{o} }

// Initiate queues the mail with the link; see package strangers.
func (p *Passwords) Initiate(ctx context.Context, r accounts.InitiateResetRequest) error {
	return strangers.Post(ctx, p.o.DB, p.o.Outbox, p.o.Clock, r, strangers.Link{
		Kind: store.ResetLink, Event: store.PasswordResetInitiated, Template: mail.PasswordReset,
		URL: p.o.PublicURL + "/reset/", Life: linkLife,
	})
}

// choice is a new password with its confirmation.
type choice struct{ password, confirmation string }

// hash checks a user's choice, and gives its hash. What costs nothing is
// checked first, so that only a password that could do is compared with the
// earlier ones.
func (p *Passwords) hash(ctx context.Context, user store.User, address string, c choice) (string, error) {
	current, err := store.CredentialOf(ctx, p.o.DB, user.ID)
	if err != nil {
		return "", err
	}
	hashes, err := store.EarlierHashes(ctx, p.o.DB, user.ID)
	if err != nil {
		return "", err
	}
	if current != "" {
		hashes = append([]string{current}, hashes...)
	}
	reused, err := p.o.Hasher.MatchesAny(ctx, address, c.password, hashes)
	if err != nil {
		return "", err
	}
	if reused {
		return "", fault.Field("password", "validation.password_reused")
	}
	return p.o.Hasher.Hash(ctx, address, c.password)
}

// check adds every rule that can be checked at no expense.
func (c choice) check(v *fault.Violations, user store.User) {
	password.Check(v, c.password, c.confirmation, password.Person{
		FirstName: user.FirstName, LastName: user.LastName, Email: user.Email,
	})
}

// change is a password that is set.
type change struct {
	hash  string
	ended sessions.EndAllRequest // what ends with the old one; whose and Before are set here
	event store.Event
}

// set stores a new password with all that comes of it. Links that would set
// another one are superseded, and those to a new address: whoever had the old
// password may have asked for one, and would get the account back by it.
func (p *Passwords) set(ctx context.Context, tx *db.Tx, user store.User, c change) (accounts.Identity, error) {
	now := c.event.Time
	if err := store.ChangeCredential(ctx, tx, user.ID, c.hash, earlier, now); err != nil {
		return accounts.Identity{}, err
	}
	for _, kind := range []store.MailedLinkKind{store.ResetLink, store.EmailLink} {
		if err := store.RevokeLinks(ctx, tx, user.ID, kind, now); err != nil {
			return accounts.Identity{}, err
		}
	}
	c.ended.User, c.ended.UserHash, c.ended.Before = user.ID, user.Hash, now
	if err := relay.EndSessions(ctx, p.o.Outbox, tx, c.ended); err != nil {
		return accounts.Identity{}, err
	}
	if err := store.Record(ctx, tx, c.event); err != nil {
		return accounts.Identity{}, err
	}
	err := notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{Event: mail.PasswordChanged, Origin: c.event.Origin, Time: now})
	if err != nil {
		return accounts.Identity{}, err
	}
	return p.identity(ctx, tx, user.ID)
}

func (p *Passwords) identity(ctx context.Context, q db.Queryer, id int64) (accounts.Identity, error) {
	user, err := store.UserByID(ctx, q, id)
	if err != nil {
		return accounts.Identity{}, err
	}
	hub, err := store.CurrentHub(ctx, q, user, p.o.Clock.Now())
	return accounts.Identity{User: user.User, Hub: hub}, err
}
