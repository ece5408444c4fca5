package identity

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// errUnknown is an identity of nobody's.
var errUnknown = errors.New("identity: nobody's")

// Find gives the active user whose identity it is: in a hub first, if that is
// where the user wants to go, and else in all. One that nobody has linked may be
// recognised by what has been said of its address.
func (i *Identities) Find(ctx context.Context, u accounts.UpstreamIdentity) (accounts.Identity, error) {
	u, err := clean(u)
	if err != nil {
		return accounts.Identity{}, err
	}
	found, err := i.find(ctx, u)
	if errors.Is(err, errUnknown) || errors.Is(err, db.ErrNoRows) {
		found, err = i.recognise(ctx, u)
	}
	if errors.Is(err, errUnknown) || errors.Is(err, db.ErrNoRows) {
		return accounts.Identity{}, fault.New(fault.Unauthenticated, "fault.identity_unknown")
	}
	return found, err
}

// find looks for one that is linked.
func (i *Identities) find(ctx context.Context, u accounts.UpstreamIdentity) (accounts.Identity, error) {
	if hub := realmOf(u); hub != nil {
		found, err := i.findIn(ctx, u, hub)
		if u.Hub != nil || err == nil || !errors.Is(err, errUnknown) && !errors.Is(err, db.ErrNoRows) {
			return found, err
		}
	}
	return i.findIn(ctx, u, nil)
}

// realmOf is the hub that may say whose the identity is; nil: none.
func realmOf(u accounts.UpstreamIdentity) *int64 {
	if u.Hub != nil {
		return u.Hub
	}
	return u.Into
}

func (i *Identities) findIn(ctx context.Context, u accounts.UpstreamIdentity, hub *int64) (accounts.Identity, error) {
	linked, err := store.FindIdentity(ctx, i.o.DB, u.Issuer, u.Subject, hub)
	if err != nil {
		return accounts.Identity{}, err
	}
	now := i.o.Clock.Now()
	found, err := identify(ctx, i.o.DB, u, linked, now)
	if err != nil {
		return accounts.Identity{}, err
	}
	if due := now.Add(-noteUse); linked.LastUsedTime == nil || !linked.LastUsedTime.After(due) {
		if err := store.UseIdentity(ctx, i.o.DB, linked.ID, u, due, now); err != nil {
			return accounts.Identity{}, err
		}
	}
	return found, nil
}

// identify is the user of a linked identity, and the hub for which alone that
// counts; errUnknown if they are not active, not in that hub, or administer it and
// have not linked the identity in person.
func identify(ctx context.Context, q db.Queryer, u accounts.UpstreamIdentity, linked store.LinkedIdentity, now time.Time) (accounts.Identity, error) {
	user, err := store.UserByID(ctx, q, linked.User)
	if err != nil {
		return accounts.Identity{}, err
	}
	if user.Status != accounts.Active {
		return accounts.Identity{}, errUnknown
	}
	if linked.Hub == nil {
		hub, err := store.CurrentHub(ctx, q, user, now)
		return accounts.Identity{User: user.User, Hub: hub}, err
	}
	if _, err := inForce(ctx, q, *linked.Hub, u); err != nil {
		return accounts.Identity{}, err
	}
	membership, err := store.MembershipIn(ctx, q, user.ID, *linked.Hub)
	if err == nil && linked.Recognised && membership.Role >= accounts.RoleAdministrator {
		err = errUnknown // they were none when their address was enough
	}
	return accounts.Identity{User: user.User, Hub: &membership.Hub, ProviderHub: linked.Hub}, err
}

// inForce is how a hub uses the provider; errUnknown if not any more, or if it
// is another one by now.
func inForce(ctx context.Context, q db.Queryer, hub int64, u accounts.UpstreamIdentity) (accounts.SignIn, error) {
	s, err := store.SignInOf(ctx, q, hub, u.Provider)
	if err != nil {
		return s, err
	}
	if s.Own != (u.Hub != nil) || s.Own && s.Issuer != u.Issuer {
		return s, errUnknown
	}
	return s, nil
}
