package identity

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// mayLink is Forbidden if the provider is of a hub that the actor may not enter,
// or if administrators decide whose its identities are: those of the hub that has
// brought it along, or of the one that the actor is in.
func mayLink(ctx context.Context, tx *db.Tx, a api.Actor, u accounts.UpstreamIdentity, now time.Time) error {
	if u.Hub == nil {
		return notIndividual(ctx, tx, a.Hub, u.Provider, false)
	}
	membership, err := store.MembershipIn(ctx, tx, a.User, *u.Hub)
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.Forbidden, "fault.no_access")
	}
	if err == nil {
		err = directory.Entry(membership, now)
	}
	if err == nil {
		_, err = inForce(ctx, tx, *u.Hub, u)
	}
	if errors.Is(err, errUnknown) || errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.NotFound, "")
	}
	if err != nil {
		return err
	}
	return notIndividual(ctx, tx, u.Hub, u.Provider, true)
}

// mayUnlink is Forbidden as mayLink is, and a Conflict if nothing else would be
// left to log in with.
func mayUnlink(ctx context.Context, tx *db.Tx, a api.Actor, l store.LinkedIdentity) error {
	if l.Hub == nil {
		if err := notIndividual(ctx, tx, a.Hub, l.Provider, false); err != nil {
			return err
		}
		can, err := store.CanLogIn(ctx, tx, l.User)
		if err == nil && !can {
			err = fault.New(fault.Conflict, "fault.last_login")
		}
		return err
	}
	s, err := store.SignInOf(ctx, tx, *l.Hub, l.Provider)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err == nil && (s.Mode == accounts.SignInIndividual || l.Assigned && s.Mode != accounts.SignInOptional) {
		err = individual(s)
	}
	return err
}

// notIndividual is Forbidden if the hub's administrators decide about the
// provider.
func notIndividual(ctx context.Context, tx *db.Tx, hub *int64, provider string, own bool) error {
	if hub == nil {
		return nil
	}
	s, err := store.SignInOf(ctx, tx, *hub, provider)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err == nil && s.Own == own && s.Mode == accounts.SignInIndividual {
		err = individual(s)
	}
	return err
}

func individual(s accounts.SignIn) error {
	return fault.New(fault.Forbidden, "fault.provider_individual", "Provider", s.Title)
}
