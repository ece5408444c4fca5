package activation

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Finish makes an invited user an active one, or lets an active one join the hub
// of the invitation. A name in the request goes before the activation's. Input
// that breaks a rule costs nothing: the activation can still be finished.
func (f *Flow) Finish(ctx context.Context, r accounts.FinishActivationRequest) (accounts.Identity, error) {
	a, user, err := f.opened(ctx, r)
	if err != nil {
		return accounts.Identity{}, err
	}
	if user.Status == accounts.Active {
		return f.accept(ctx, r, a, user)
	}
	hubName, err := checkFinish(r, &a, user)
	if err != nil {
		return accounts.Identity{}, err
	}
	hash := ""
	if r.Identity == nil {
		if hash, err = f.o.Hasher.Hash(ctx, r.Origin.Address, r.Password); err != nil { // slow, so outside of the transaction
			return accounts.Identity{}, err
		}
	}
	var identity accounts.Identity
	err = f.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		identity, err = f.finish(ctx, tx, r, a, hash, hubName)
		return err
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identity, nil
}

// opened finds the activation that the request is about.
func (f *Flow) opened(ctx context.Context, r accounts.FinishActivationRequest) (store.Activation, store.User, error) {
	known := r.Kind == accounts.LinkActivation || r.Kind == accounts.LinkInvitation
	if !known || !ids.Valid(r.Activation) {
		return store.Activation{}, store.User{}, notFound()
	}
	openedAfter := f.o.Clock.Now().Add(-f.o.FinishWindow)
	a, err := store.OpenedActivation(ctx, f.o.DB, r.Activation, r.User, r.Kind, openedAfter)
	if err != nil {
		return store.Activation{}, store.User{}, orNotFound(err)
	}
	user, err := store.UserByID(ctx, f.o.DB, a.User)
	if err != nil {
		return store.Activation{}, store.User{}, orNotFound(err)
	}
	joins := a.Hub != nil && r.Kind == accounts.LinkInvitation
	if user.Status != accounts.Invited && (user.Status != accounts.Active || !joins) {
		return store.Activation{}, store.User{}, notFound()
	}
	return a, user, nil
}

func notFound() error { return fault.New(fault.NotFound, "") }

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return notFound()
	}
	return err
}

// checkFinish completes the activation's names by the request's and gives the
// name of the hub to create.
func checkFinish(r accounts.FinishActivationRequest, a *store.Activation, user store.User) (hubName string, _ error) {
	var v fault.Violations
	a.FirstName = input.Name(&v, "first_name", cmp.Or(r.FirstName, a.FirstName))
	a.LastName = input.Name(&v, "last_name", cmp.Or(r.LastName, a.LastName))
	if a.Hub == nil {
		hubName = input.Name(&v, "name", r.Name)
	}
	if !r.Terms {
		v.Add("terms", "validation.accepted")
	}
	if r.Identity == nil {
		password.Check(&v, r.Password, r.PasswordConfirmation, password.Person{
			FirstName: a.FirstName, LastName: a.LastName, Email: user.Email,
		})
	}
	return hubName, v.Err()
}

// finish writes all that comes of it, or nothing. The user comes before the
// activation: whoever finishes another activation of theirs at the same time
// waits at the same row, instead of each waiting for the other.
func (f *Flow) finish(ctx context.Context, tx *db.Tx, r accounts.FinishActivationRequest, a store.Activation, hash, hubName string) (accounts.Identity, error) {
	now := f.o.Clock.Now()
	invited, err := store.Activate(ctx, tx, a.User, a.FirstName, a.LastName, a.Language, now)
	if err != nil {
		return accounts.Identity{}, err
	}
	ours, err := store.FinishActivation(ctx, tx, a.ID, now.Add(-f.o.FinishWindow), now)
	if err != nil {
		return accounts.Identity{}, err
	}
	if !invited || !ours {
		return accounts.Identity{}, notFound()
	}
	if err := store.RevokeActivations(ctx, tx, a.User, a.Hub, now); err != nil {
		return accounts.Identity{}, err
	}
	if hash != "" {
		err = store.SetCredential(ctx, tx, a.User, hash, now)
	} else {
		err = f.o.Identities.LinkNew(ctx, tx, a.User, a.Hub, *r.Identity)
	}
	if err != nil {
		return accounts.Identity{}, err
	}
	user, err := store.UserByID(ctx, tx, a.User)
	if err != nil {
		return accounts.Identity{}, err
	}
	hub, err := f.enter(ctx, tx, user, a, hubName)
	if err != nil {
		return accounts.Identity{}, err
	}
	tx.OnCommit(func() { f.o.Metrics.Activation(metrics.ActivationFinished, 1) })
	err = store.Record(ctx, tx, store.Event{
		Kind: store.ActivationFinished, User: &a.User, Hub: &hub.ID, Actor: store.ActorUser, ActorID: &a.User,
		Origin: r.Origin, Time: now, Detail: map[string]any{"kind": a.Kind, "role": a.Role, "joined": a.Hub != nil},
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	identity, err := identify(ctx, tx, user, hub, now)
	if r.Identity != nil {
		identity.ProviderHub = r.Identity.Hub
	}
	return identity, err
}

// identify is the user in the hub, or in another one if that cannot be entered.
func identify(ctx context.Context, tx *db.Tx, user store.User, hub accounts.Hub, now time.Time) (accounts.Identity, error) {
	user.LastHub = &hub.ID
	current, err := store.CurrentHub(ctx, tx, user, now)
	return accounts.Identity{User: user.User, Hub: current}, err
}

// enter creates the user's hub, or joins the one of the invitation.
func (f *Flow) enter(ctx context.Context, tx *db.Tx, user store.User, a store.Activation, name string) (hub accounts.Hub, err error) {
	now := f.o.Clock.Now()
	if a.Hub != nil {
		hub, err = store.HubByID(ctx, tx, *a.Hub)
		err = orNotFound(err)
	} else {
		hub, err = store.InsertHub(ctx, tx, name, now)
	}
	if err != nil {
		return accounts.Hub{}, err
	}
	if err := store.Join(ctx, tx, hub.ID, user, a.Role, now); err != nil {
		return accounts.Hub{}, err
	}
	return hub, store.SetLastHub(ctx, tx, a.User, hub.ID)
}
