package evidence

import (
	"context"
	"errors"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/replay"
)

// GrantKind is the kind of the one-time id of an assertion that is taken as a
// grant.
const GrantKind = "grant assertion"

// Commit does what a request is for and uses up its one-time ids with it: one
// transaction, or none if there is only one thing to write, or nothing. A nil
// effect has nothing to write but the ids. The error is invalid_client,
// invalid_grant or invalid_dpop_proof if an id was used before.
func Commit(ctx context.Context, d *db.DB, effect func(ctx context.Context, q db.Queryer) error) error {
	spends := From(ctx).Spends
	if len(spends) == 0 {
		if effect == nil {
			return nil
		}
		return effect(ctx, d)
	}
	err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := replay.Spend(ctx, tx, spends); err != nil {
			return err
		}
		if effect == nil {
			return nil
		}
		return effect(ctx, tx)
	})
	return Refusal(err)
}

// Refusal turns [replay.ErrSpent] into what the client is told: its evidence is
// worth nothing. Other errors stay.
func Refusal(err error) error {
	switch {
	case !errors.Is(err, replay.ErrSpent):
		return err
	case replay.KindOf(err) == dpop.ReplayKind:
		return dpop.ErrProof.WithHint("It has been used before.")
	case replay.KindOf(err) == GrantKind:
		return fosite.ErrInvalidGrant.WithDescription("The assertion has been used before.").WithHint("")
	}
	return fosite.ErrInvalidClient.WithDescription("The assertion has been used before.").WithHint("")
}
