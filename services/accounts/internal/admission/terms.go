package admission

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// AcceptTerms notes that the user has accepted the terms. Nobody accepts them
// in somebody's name, nor does a program.
func (g *Gate) AcceptTerms(ctx context.Context, r accounts.AcceptTermsRequest) (identity accounts.Identity, _ error) {
	if err := r.Actor.Present(); err != nil {
		return identity, err
	}
	if !r.Terms {
		return identity, fault.Field("terms", "validation.accepted")
	}
	err := g.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := g.o.Clock.Now()
		accepted, err := store.AcceptTerms(ctx, tx, r.Actor.User, now)
		if err != nil {
			return err
		}
		if !accepted {
			return fault.New(fault.NotFound, "")
		}
		user, err := store.UserByID(ctx, tx, r.Actor.User)
		if err != nil {
			return err
		}
		hub, err := store.CurrentHub(ctx, tx, user, now)
		if err != nil {
			return err
		}
		identity = accounts.Identity{User: user.User, Hub: hub}
		return store.Record(ctx, tx, store.Did(store.TermsAccepted, r.Actor, now))
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identity, nil
}
