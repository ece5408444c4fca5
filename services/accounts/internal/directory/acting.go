package directory

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// ActingUser is the actor's account. Unauthenticated if it is no active one by
// now.
func ActingUser(ctx context.Context, q db.Queryer, a api.Actor) (store.User, error) {
	user, err := store.UserByID(ctx, q, a.User)
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return store.User{}, fault.New(fault.Unauthenticated, "fault.session_expired")
	}
	return user, err
}

// Acting is the actor as a member of the session's hub, which they may enter:
// Forbidden if not. Whoever goes on to change something about the members locks
// the hub first, for the role not to change meanwhile.
func Acting(ctx context.Context, q db.Queryer, a api.Actor, now time.Time) (store.Member, store.Membership, error) {
	if _, err := ActingUser(ctx, q, a); err != nil {
		return store.Member{}, store.Membership{}, err
	}
	if a.Hub == nil {
		return store.Member{}, store.Membership{}, fault.New(fault.Forbidden, "fault.hub_required")
	}
	membership, err := store.MembershipIn(ctx, q, a.User, *a.Hub)
	if errors.Is(err, db.ErrNoRows) {
		return store.Member{}, store.Membership{}, fault.New(fault.Forbidden, "fault.no_access")
	}
	if err == nil {
		err = Entry(membership, now)
	}
	if err != nil {
		return store.Member{}, store.Membership{}, err
	}
	member, err := store.MemberOf(ctx, q, *a.Hub, a.User)
	if err == nil {
		err = StillActs(ctx, q, a, membership, now)
	}
	return member, membership, err
}

// StillActs is Forbidden if the actor is acted for by somebody who may not do so
// by now: either one may have got another role in the hub since that was asked. As
// is the actor's membership.
func StillActs(ctx context.Context, q db.Queryer, a api.Actor, as store.Membership, now time.Time) error {
	if a.Impersonator == nil {
		return nil
	}
	membership, err := store.MembershipIn(ctx, q, *a.Impersonator, as.Hub.ID)
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.Forbidden, "fault.no_access")
	}
	if err == nil {
		err = Entry(membership, now)
	}
	if err != nil {
		return err
	}
	who, err := store.MemberOf(ctx, q, as.Hub.ID, *a.Impersonator)
	if err == nil && (who.User.Status != accounts.Active || !who.MayAct() || who.Role < as.Role || !as.Features.Impersonation) {
		err = fault.New(fault.Forbidden, "fault.no_access")
	}
	return err
}
