// Package directory tells who users are and where they belong.
package directory

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// What a user has without a hub.
const (
	hublessImpersonation = true
	hublessTrash         = 7 // days
)

// Directory reads accounts.
type Directory struct{ db *db.DB }

// New makes a Directory.
func New(d *db.DB) *Directory { return &Directory{d} }

// Describe gives the account as seen from a hub, or from none.
func (d *Directory) Describe(ctx context.Context, r accounts.DescribeRequest) (accounts.Account, error) {
	user, err := store.UserByID(ctx, d.db, r.User)
	if err := active(user, err); err != nil {
		return accounts.Account{}, err
	}
	account, member, err := d.account(ctx, user, r.Hub)
	if err != nil {
		return accounts.Account{}, err
	}
	if !member {
		return accounts.Account{}, fault.New(fault.Forbidden, "")
	}
	return account, nil
}

// Claims gives the account of a subject. A hub that the user has left, or
// never was in, is left out.
func (d *Directory) Claims(ctx context.Context, r accounts.ClaimsRequest) (accounts.Account, error) {
	if !ids.Valid(r.Subject) {
		return accounts.Account{}, fault.New(fault.NotFound, "")
	}
	user, err := store.UserByHash(ctx, d.db, r.Subject)
	if err := active(user, err); err != nil {
		return accounts.Account{}, err
	}
	account, _, err := d.account(ctx, user, r.Hub)
	return account, err
}

// Statistics counts users.
func (d *Directory) Statistics(ctx context.Context) (accounts.StatisticsAnswer, error) {
	n, err := store.CountUsers(ctx, d.db, accounts.Active)
	return accounts.StatisticsAnswer{ActiveUsers: n}, err
}

// active is the fault of a lookup that did not find an active user.
func active(user store.User, err error) error {
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return fault.New(fault.NotFound, "")
	}
	return err
}

// account is the user as seen from the hub; from none if the user is no
// member of it.
func (d *Directory) account(ctx context.Context, user store.User, hub *int64) (_ accounts.Account, member bool, _ error) {
	memberships, err := store.MembershipsOf(ctx, d.db, user.ID)
	if err != nil {
		return accounts.Account{}, false, err
	}
	account := accounts.Account{
		User:     user.User,
		Hubs:     make([]accounts.Hub, 0, len(memberships)),
		Features: accounts.Features{Impersonation: hublessImpersonation, Trash: hublessTrash},
	}
	member = hub == nil
	for _, m := range memberships {
		account.Hubs = append(account.Hubs, m.Hub)
		if hub != nil && m.Hub.ID == *hub {
			account.Hub, account.Role, account.Features = &m.Hub, m.Role, m.Features
			member = true
		}
	}
	return account, member, nil
}
