// Package directory tells who users are and where they belong.
package directory

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// What a user has without a hub.
const (
	hublessImpersonation = true
	hublessTrash         = 7 // days
)

// Options are what a Directory needs; TermsTime may be zero.
type Options struct {
	DB    *db.DB
	Clock clockwork.Clock
	// TermsTime is when the terms have changed last.
	TermsTime time.Time
	// Unseal gives the number of a factor; nil where nobody asks for it.
	Unseal func(store.Factor) (string, error)
	// PublicURL is the origin of pictures, without a slash at its end.
	PublicURL string
}

// Directory reads accounts.
type Directory struct{ o Options }

// New makes a Directory.
func New(o Options) *Directory { return &Directory{o} }

// Describe gives the account as seen from a hub, or from none. Forbidden if the
// user may not enter the hub.
func (d *Directory) Describe(ctx context.Context, r accounts.DescribeRequest) (accounts.Account, error) {
	user, err := store.UserByID(ctx, d.o.DB, r.User)
	if err := active(user, err); err != nil {
		return accounts.Account{}, err
	}
	account, entry, err := d.Account(ctx, d.o.DB, user, r.Hub)
	if err != nil {
		return accounts.Account{}, err
	}
	return account, entry
}

// Claims gives the account of a subject. A hub that the user may not enter,
// or never was in, is left out.
func (d *Directory) Claims(ctx context.Context, r accounts.ClaimsRequest) (accounts.Account, error) {
	if !ids.Valid(r.Subject) {
		return accounts.Account{}, fault.New(fault.NotFound, "")
	}
	user, err := store.UserByHash(ctx, d.o.DB, r.Subject)
	if err := active(user, err); err != nil {
		return accounts.Account{}, err
	}
	account, _, err := d.Account(ctx, d.o.DB, user, r.Hub)
	if err == nil && r.Phone {
		account.Phone, err = d.phone(ctx, d.o.DB, user.ID)
	}
	if err == nil && r.Profile {
		var p accounts.Profile
		p, err = d.Profile(ctx, d.o.DB, user)
		account.Profile = &p
	}
	return account, err
}

// phone is the number of the user's confirmed factor, "" if there is none.
func (d *Directory) phone(ctx context.Context, q db.Queryer, user int64) (string, error) {
	f, err := store.ConfirmedFactor(ctx, q, user, accounts.ChannelSMS)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return d.o.Unseal(f)
}

// Statistics counts users.
func (d *Directory) Statistics(ctx context.Context) (accounts.StatisticsAnswer, error) {
	n, err := store.CountUsers(ctx, d.o.DB, accounts.Active)
	return accounts.StatisticsAnswer{ActiveUsers: n}, err
}

// active is the fault of a lookup that did not find an active user.
func active(user store.User, err error) error {
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return fault.New(fault.NotFound, "")
	}
	return err
}

// Account is the user as seen from the hub; entry is why the user may not enter
// it, and the account then as seen from none.
func (d *Directory) Account(ctx context.Context, q db.Queryer, user store.User, hub *int64) (_ accounts.Account, entry, _ error) {
	now := d.o.Clock.Now()
	memberships, err := store.MembershipsOf(ctx, q, user.ID)
	if err != nil {
		return accounts.Account{}, nil, err
	}
	account := accounts.Account{
		User:     user.User,
		Hubs:     make([]accounts.Hub, 0, len(memberships)),
		Features: accounts.Features{Impersonation: hublessImpersonation, Trash: hublessTrash},
	}
	if hub != nil {
		entry = fault.New(fault.Forbidden, "")
	}
	for _, m := range memberships {
		account.Hubs = append(account.Hubs, m.Hub)
		if hub == nil || m.Hub.ID != *hub {
			continue
		}
		if entry = Entry(m, now); entry == nil {
			account.Hub, account.Role, account.Features = &m.Hub, m.Role, m.Features
		}
	}
	account.User.PasswordUpdate = user.PasswordUpdate || account.Hub != nil && aged(user, account.Hub.Settings.PasswordAge, now)
	account.User.TermsConfirmation = user.TermsConfirmation || d.outdated(user.TermsAcceptedTime, now)
	return account, entry, nil
}

// Entry is why a member may not enter the hub; nil if they may.
func Entry(m store.Membership, now time.Time) error {
	switch m.Entry(now) {
	case store.EntryNone:
		return fault.New(fault.Forbidden, "fault.no_access")
	case store.EntryExpired:
		return fault.New(fault.Forbidden, "fault.hub_expired")
	case store.EntryFree:
	}
	return nil
}

// aged tells whether a password is older than a hub lets it be, in days. A user
// without a password has none that could be too old.
func aged(user store.User, days int, now time.Time) bool {
	return days > 0 && !user.PasswordModifiedTime.IsZero() && !now.Before(user.PasswordModifiedTime.AddDate(0, 0, days))
}

// outdated tells whether the terms have changed since they were accepted.
func (d *Directory) outdated(accepted *time.Time, now time.Time) bool {
	changed := d.o.TermsTime
	return !changed.IsZero() && !changed.After(now) && (accepted == nil || accepted.Before(changed))
}
