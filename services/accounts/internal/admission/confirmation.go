package admission

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
)

// confirmation is what a user has to do with factors: nothing, StepCode or
// StepFactor.
type confirmation struct {
	step    accounts.Step
	request challenge.Request // of StepCode
}

// confirmation finds that out. A hub may demand a stronger channel than the
// user has: then the user answers by the strongest there is, and enrols one
// that is strong enough.
func (g *Gate) confirmation(ctx context.Context, tx *db.Tx, v visit) (confirmation, error) {
	switch v.Proof {
	case accounts.ProofToken: // was made by somebody who had done all that
		return confirmation{}, nil
	case accounts.ProofPasskey: // is what the user has, and knows or is, and more than a code
		return confirmation{}, nil
	case accounts.ProofPassword, accounts.ProofIdentity, accounts.ProofLink, accounts.ProofSession:
	}
	strongest, err := g.o.Challenges.Strongest(ctx, tx, v.user.ID)
	if err != nil {
		return confirmation{}, err
	}
	channel, replace, answered, err := g.answer(ctx, tx, v)
	if err != nil {
		return confirmation{}, err
	}
	demanded, needed := g.demand(v, strongest)
	switch {
	case needed && (!answered || channel < min(demanded, strongest)):
		return confirmation{step: accounts.StepCode, request: challenge.Request{
			User: v.user, Minimum: min(demanded, strongest), Origin: v.Origin, Unusual: v.unusual,
		}}, nil
	case answered && replace, needed && strongest < demanded:
		return confirmation{step: accounts.StepFactor}, nil
	default:
		return confirmation{}, nil
	}
}

// demand tells whether a code is needed, and by which channel at least.
func (g *Gate) demand(v visit, strongest accounts.Channel) (demanded accounts.Channel, needed bool) {
	demanded = accounts.ChannelEmail
	needed = v.user.LoginConfirmation || strongest > accounts.ChannelEmail
	if hub := v.account.Hub; hub != nil && hub.Settings.LoginConfirmation {
		needed = true
		demanded = max(demanded, accounts.Channel(hub.Settings.LoginConfirmationChannel))
	}
	switch v.Proof {
	case accounts.ProofLink:
		// The link came by mail, so a code by mail would prove nothing more.
		if needed = needed && max(demanded, strongest) > accounts.ChannelEmail; needed {
			demanded = max(demanded, accounts.ChannelSMS)
		}
	case accounts.ProofPassword, accounts.ProofIdentity:
		needed = needed || v.unusual && g.o.Unusual == Code
	case accounts.ProofSession, accounts.ProofToken, accounts.ProofPasskey:
	}
	return demanded, needed
}

// answer is the challenge that the user has answered in this login, if any.
func (g *Gate) answer(ctx context.Context, tx *db.Tx, v visit) (channel accounts.Channel, replace, answered bool, err error) {
	if v.Challenge == nil {
		return 0, false, false, nil
	}
	return g.o.Challenges.Confirmed(ctx, tx, v.user.ID, *v.Challenge)
}
