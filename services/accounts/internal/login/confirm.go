package login

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/throttle"
)

// Confirm checks the current password of a user who is logged in, before
// something that a stolen session must not do, and gives its hash. Invalid in
// the field if it is wrong, Throttled after too many wrong ones.
func (l *Login) Confirm(ctx context.Context, a api.Actor, field, password string) (hash string, _ error) {
	if password == "" {
		return "", fault.Field(field, "validation.required")
	}
	hash, err := store.CredentialOf(ctx, l.o.DB, a.User)
	if err != nil {
		return "", err
	}
	var attempt throttle.Attempt
	err = l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		attempt, err = l.o.Throttle.Current(ctx, tx, a.User)
		if err != nil || !attempt.Notable() {
			return err
		}
		return store.Record(ctx, tx, store.Did(store.LoginThrottled, a, l.o.Clock.Now()))
	})
	if err != nil {
		return "", err
	}
	if err := attempt.Err(); err != nil {
		return "", err
	}
	match, err := l.matches(ctx, a, password, hash)
	if err != nil {
		l.takeBack(ctx, attempt)
		return "", err
	}
	err = l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if match {
			return l.o.Throttle.Succeeded(ctx, tx, attempt)
		}
		e := store.Did(store.LoginFailed, a, l.o.Clock.Now())
		e.Detail = map[string]any{"reason": metrics.LoginPassword, "confirmation": true}
		return store.Record(ctx, tx, e)
	})
	if err == nil && !match {
		err = fault.Field(field, "validation.wrong_password")
	}
	if err != nil {
		return "", err
	}
	return hash, nil
}

func (l *Login) matches(ctx context.Context, a api.Actor, password, hash string) (bool, error) {
	if hash == "" {
		return false, l.o.Hasher.Refuse(ctx, a.Origin.Address, password)
	}
	return l.o.Hasher.Verify(ctx, a.Origin.Address, password, hash)
}
