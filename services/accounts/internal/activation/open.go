package activation

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Open uses a link up.
func (f *Flow) Open(ctx context.Context, r accounts.OpenLinkRequest) (accounts.OpenedLink, error) {
	if !ids.Valid(r.Link) {
		return accounts.OpenedLink{}, unknownLink()
	}
	var opened accounts.OpenedLink
	err := f.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := f.o.Clock.Now()
		a, state, err := store.OpenLink(ctx, tx, ids.Digest(r.Link), now)
		switch {
		case err != nil:
			return err
		case state == store.LinkGone:
			return fault.New(fault.Gone, "fault.link_used")
		case state == store.LinkUnknown:
			return unknownLink()
		}
		opened, err = f.disclose(ctx, tx, a)
		if err != nil {
			return err
		}
		tx.OnCommit(func() { f.o.Metrics.Activation(metrics.ActivationOpened, 1) })
		return store.Record(ctx, tx, store.Event{
			Kind: store.LinkOpenedEvent, User: &a.User, Hub: a.Hub, Actor: store.ActorUser, Origin: r.Origin, Time: now,
			Detail: map[string]any{"kind": a.Kind},
		})
	})
	if err != nil {
		return accounts.OpenedLink{}, err
	}
	return opened, nil
}

func unknownLink() error { return fault.New(fault.NotFound, "fault.link_unknown") }

// disclose is what whoever has the link may know.
func (f *Flow) disclose(ctx context.Context, tx *db.Tx, a store.Activation) (accounts.OpenedLink, error) {
	user, err := store.UserByID(ctx, tx, a.User)
	if err != nil {
		return accounts.OpenedLink{}, err
	}
	opened := accounts.OpenedLink{Kind: a.Kind, User: shown(user, a), Activation: a.Hash}
	if a.Hub != nil {
		hub, err := store.HubByID(ctx, tx, *a.Hub)
		if err != nil {
			return accounts.OpenedLink{}, err
		}
		opened.HubName = hub.Name
	}
	return opened, nil
}
