// Package self guards what people do about themselves.
package self

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Active is the actor's account as it is. Unauthenticated if it is disabled or
// gone by now: the session has not heard of that yet.
func Active(ctx context.Context, q db.Queryer, a api.Actor) (store.User, error) {
	return active(store.UserByID(ctx, q, a.User))
}

// Hold is Active, and keeps the account as it is until the end of the
// transaction.
func Hold(ctx context.Context, tx *db.Tx, a api.Actor) (store.User, error) {
	return active(store.HoldUser(ctx, tx, a.User))
}

func active(user store.User, err error) (store.User, error) {
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return store.User{}, fault.New(fault.Unauthenticated, "")
	}
	return user, err
}
