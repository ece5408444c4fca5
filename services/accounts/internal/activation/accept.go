package activation

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// accept lets an active user join the hub of the invitation. The link proves the
// mailbox, to which others may have access; the password proves the user, or an
// identity that they have linked before.
func (f *Flow) accept(ctx context.Context, r accounts.FinishActivationRequest, a store.Activation, user store.User) (accounts.Identity, error) {
	hash, err := f.prove(ctx, r, user)
	if err != nil {
		return accounts.Identity{}, err
	}
	var identity accounts.Identity
	err = f.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		identity, err = f.join(ctx, tx, r, a, hash)
		return err
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identity, nil
}

// prove gives the hash of the password that proves the user; empty: an identity
// does.
func (f *Flow) prove(ctx context.Context, r accounts.FinishActivationRequest, user store.User) (string, error) {
	if r.Identity == nil {
		return f.o.Confirm(ctx, api.Actor{User: user.ID, Origin: r.Origin}, "password", r.Password)
	}
	anywhere := *r.Identity
	anywhere.Into, anywhere.EmailTrusted = nil, false // linked, not recognised
	found, err := f.o.Identities.Find(ctx, anywhere)
	if err == nil && (found.User.ID != user.ID || found.ProviderHub != nil) {
		err = fault.New(fault.Unauthenticated, "fault.identity_unknown")
	}
	return "", err
}

// join writes all that comes of it, or nothing, in the order of finish. Whoever
// is disabled meanwhile, or has another password, must not be overtaken.
func (f *Flow) join(ctx context.Context, tx *db.Tx, r accounts.FinishActivationRequest, a store.Activation, hash string) (accounts.Identity, error) {
	now := f.o.Clock.Now()
	active, err := store.LockUser(ctx, tx, a.User)
	if err != nil {
		return accounts.Identity{}, err
	}
	current, err := store.CredentialOf(ctx, tx, a.User)
	if err != nil {
		return accounts.Identity{}, err
	}
	ours, err := store.FinishActivation(ctx, tx, a.ID, now.Add(-f.o.FinishWindow), now)
	if err != nil {
		return accounts.Identity{}, err
	}
	if !active || !ours || r.Identity == nil && current != hash {
		return accounts.Identity{}, notFound()
	}
	if err := store.RevokeInvitations(ctx, tx, *a.Hub, a.User, now); err != nil {
		return accounts.Identity{}, err
	}
	user, err := store.UserByID(ctx, tx, a.User)
	if err != nil {
		return accounts.Identity{}, err
	}
	hub, err := f.enter(ctx, tx, user, a, "")
	if err != nil {
		return accounts.Identity{}, err
	}
	tx.OnCommit(func() { f.o.Metrics.Activation(metrics.ActivationFinished, 1) })
	err = store.Record(ctx, tx, store.Event{
		Kind: store.InvitationAccepted, User: &a.User, Hub: &hub.ID, Actor: store.ActorUser, ActorID: &a.User,
		Origin: r.Origin, Time: now,
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identify(ctx, tx, user, hub, now)
}
