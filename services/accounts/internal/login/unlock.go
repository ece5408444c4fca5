package login

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/device"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Unlock lifts a lock by the link that was mailed with it. Whoever has it reads
// the user's mail, so their network is a known one from then on, and guessing
// from elsewhere does not keep them out again.
func (l *Login) Unlock(ctx context.Context, r accounts.OpenLinkRequest) error {
	if !ids.Valid(r.Link) {
		return fault.New(fault.NotFound, "fault.link_unknown")
	}
	return l.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := l.o.Clock.Now()
		link, state, err := store.UseMailedLink(ctx, tx, ids.Digest(r.Link), now, store.UnlockLink)
		switch {
		case err != nil:
			return err
		case state == store.LinkGone:
			return fault.New(fault.Gone, "fault.link_used")
		case state == store.LinkUnknown:
			return fault.New(fault.NotFound, "fault.link_unknown")
		}
		return l.unlock(ctx, tx, link.User, r, now)
	})
}

func (l *Login) unlock(ctx context.Context, tx *db.Tx, id int64, r accounts.OpenLinkRequest, now time.Time) error {
	user, err := store.HoldUser(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := l.o.Throttle.Lift(ctx, tx, user, r.Origin); err != nil {
		return err
	}
	network := device.Of(r.Origin).Network
	if err := store.Remember(ctx, tx, id, store.Network, network, now.Add(-device.Refresh), now); err != nil {
		return err
	}
	err = store.Record(ctx, tx, store.Event{
		Kind: store.LoginUnlocked, User: &id, Actor: store.ActorUser, Origin: r.Origin, Time: now,
	})
	if err != nil {
		return err
	}
	return notice.Send(ctx, l.o.Outbox, tx, user, notice.Notice{Event: mail.AccountUnlocked, Origin: r.Origin, Time: now})
}
