package admission

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/device"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// unusual tells whether the user was never seen at the place, by device or
// network. The first place of all is not unusual.
func (g *Gate) unusual(ctx context.Context, tx *db.Tx, v visit) (bool, error) {
	if g.o.Unusual == Off || !arrives(v.Proof) {
		return false, nil
	}
	place := device.Of(v.Origin)
	known, err := store.KnownPlace(ctx, tx, v.user.ID, place.Device, place.Network, v.now.Add(-device.Memory))
	return known.Devices > 0 && (!known.Device || !known.Network), err
}

// arrives tells whether a proof is one by which people come, rather than go on
// or send a program.
func arrives(p accounts.Proof) bool { return p != accounts.ProofToken && p != accounts.ProofSession }

// welcome notes that the user has come in, and from where.
func (g *Gate) welcome(ctx context.Context, tx *db.Tx, v visit) error {
	if hub := v.account.Hub; hub != nil && (v.user.LastHub == nil || *v.user.LastHub != hub.ID) {
		if err := store.SetLastHub(ctx, tx, v.user.ID, hub.ID); err != nil {
			return err
		}
	}
	if v.Proof == accounts.ProofSession {
		return nil // is in already
	}
	if arrives(v.Proof) {
		if err := g.remember(ctx, tx, v); err != nil {
			return err
		}
	}
	if err := store.Record(ctx, tx, v.event(store.LoginSucceeded)); err != nil || !v.unusual {
		return err
	}
	if err := store.Record(ctx, tx, v.event(store.LoginNewDevice)); err != nil {
		return err
	}
	return notice.Send(ctx, g.o.Outbox, tx, v.user, notice.Notice{Event: mail.NewDevice, Origin: v.Origin, Time: v.now})
}

func (g *Gate) remember(ctx context.Context, tx *db.Tx, v visit) error {
	place, since := device.Of(v.Origin), v.now.Add(-device.Refresh)
	if err := store.Remember(ctx, tx, v.user.ID, store.Device, place.Device, since, v.now); err != nil {
		return err
	}
	return store.Remember(ctx, tx, v.user.ID, store.Network, place.Network, since, v.now)
}

func (v visit) event(kind store.EventKind) store.Event {
	e := store.Event{
		Kind: kind, User: &v.user.ID, Actor: store.ActorUser, ActorID: &v.user.ID, Origin: v.Origin, Time: v.now,
		Detail: map[string]any{"proof": v.Proof},
	}
	if v.Provider != "" {
		e.Detail["provider"] = v.Provider
	}
	if v.brokeGlass {
		e.Detail["against_provider"] = true
	}
	if v.account.Hub != nil {
		e.Hub = &v.account.Hub.ID
	}
	return e
}
