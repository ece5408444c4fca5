package directory

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Profile is what the user says of themselves, and what follows from the account.
func (d *Directory) Profile(ctx context.Context, q db.Queryer, user store.User) (accounts.Profile, error) {
	p, err := store.ProfileOf(ctx, q, user.ID)
	if err != nil {
		return accounts.Profile{}, err
	}
	p.User, p.Hash, p.PreferredUsername = user.ID, user.Hash, user.Alias
	if user.ModifiedTime.After(p.ModifiedTime) {
		p.ModifiedTime = user.ModifiedTime
	}
	if user.Image != nil && user.Image.ModifiedUserTime.After(p.ModifiedTime) {
		p.ModifiedTime = user.Image.ModifiedUserTime
	}
	if p.Picture != "" {
		p.Picture = d.o.PublicURL + accounts.PicturePath + p.Picture
	}
	if p.PhoneNumber != "" {
		number, err := d.phone(ctx, q, user.ID)
		if err != nil {
			return accounts.Profile{}, err
		}
		p.PhoneNumberVerified = number == p.PhoneNumber
	}
	return p, nil
}
