package challenge

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// StepUp asks a user who is logged in already for the strongest factor that they
// have.
func (c *Challenges) StepUp(ctx context.Context, r accounts.StepUpRequest) (challenge accounts.Challenge, _ error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.Challenge{}, err
	}
	err := c.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := held(ctx, tx, r.Actor.User)
		if err != nil {
			return err
		}
		strongest, err := c.Strongest(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		if strongest < r.Minimum {
			return fault.New(fault.NotFound, "fault.no_second_factor")
		}
		challenge, err = c.Start(ctx, tx, Request{User: user, Minimum: r.Minimum, Origin: r.Actor.Origin})
		return err
	})
	if err != nil {
		return accounts.Challenge{}, err
	}
	return challenge, nil
}
