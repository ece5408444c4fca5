package activation

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
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
			return goneLink()
		case state == store.LinkUnknown:
			opened, err = f.openMailed(ctx, tx, r, now)
			return err
		}
		if opened, err = f.disclose(ctx, tx, a); err != nil {
			return err
		}
		tx.OnCommit(func() { f.o.Metrics.Activation(metrics.ActivationOpened, 1) })
		return record(ctx, tx, a.User, a.Hub, a.Kind, r, now)
	})
	if err != nil {
		return accounts.OpenedLink{}, err
	}
	return opened, nil
}

// openMailed opens a link of an active user's. One that confirms a new address
// goes to that, and does not disclose the present one.
func (f *Flow) openMailed(ctx context.Context, tx *db.Tx, r accounts.OpenLinkRequest, now time.Time) (accounts.OpenedLink, error) {
	l, state, err := store.OpenMailedLink(ctx, tx, ids.Digest(r.Link), now, store.EmailLink, store.RecoveryLink)
	switch {
	case err != nil:
		return accounts.OpenedLink{}, err
	case state == store.LinkGone:
		return accounts.OpenedLink{}, goneLink()
	case state == store.LinkUnknown:
		return accounts.OpenedLink{}, unknownLink()
	}
	user, err := store.UserByID(ctx, tx, l.User)
	if err != nil {
		return accounts.OpenedLink{}, err
	}
	if user.Status != accounts.Active {
		return accounts.OpenedLink{}, goneLink()
	}
	opened := accounts.OpenedLink{Kind: accounts.LinkRecovery, User: user.User}
	if l.Kind == store.EmailLink {
		var change store.EmailChange
		if err := l.Data(&change); err != nil {
			return accounts.OpenedLink{}, err
		}
		opened.Kind, opened.User.Email = accounts.LinkEmail, change.Address
	}
	return opened, record(ctx, tx, l.User, nil, opened.Kind, r, now)
}

func record(ctx context.Context, tx *db.Tx, user int64, hub *int64, kind accounts.LinkKind, r accounts.OpenLinkRequest, now time.Time) error {
	return store.Record(ctx, tx, store.Event{
		Kind: store.LinkOpenedEvent, User: &user, Hub: hub, Actor: store.ActorUser, Origin: r.Origin, Time: now,
		Detail: map[string]any{"kind": kind},
	})
}

func goneLink() error { return fault.New(fault.Gone, "fault.link_used") }

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
		opened.HubName, opened.HubHash = hub.Name, hub.Hash
	}
	return opened, nil
}
