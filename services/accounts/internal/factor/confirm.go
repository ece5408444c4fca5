package factor

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Confirm makes a factor one by which logins are confirmed. It takes the place of
// one of the same channel, and of all others if the session is there to replace a
// lost one. A wrong code is counted in a transaction that commits.
func (s *Factors) Confirm(ctx context.Context, r accounts.ConfirmFactorRequest) (confirmed accounts.ConfirmedFactor, _ error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.ConfirmedFactor{}, err
	}
	code, err := challenge.EnrolmentCode(r.Code)
	if err != nil {
		return accounts.ConfirmedFactor{}, err
	}
	right := false
	err = s.change(ctx, r.Actor, func(ctx context.Context, tx *db.Tx, user store.User, now time.Time) error {
		f, err := find(ctx, tx, user.ID, r.Factor)
		if err != nil {
			return err
		}
		if f.Confirmed != nil {
			return fault.New(fault.Conflict, "fault.factor_confirmed")
		}
		if right, err = s.o.Challenges.ConfirmEnrolment(ctx, tx, f, code); err != nil {
			return err
		}
		if !right {
			return record(ctx, tx, store.CodeFailed, r.Actor, f, now)
		}
		confirmed, err = s.confirm(ctx, tx, confirmation{user: user, factor: f, request: r, now: now})
		return err
	})
	if err != nil {
		return accounts.ConfirmedFactor{}, err
	}
	if !right {
		return accounts.ConfirmedFactor{}, fault.Field("code", "validation.wrong_code")
	}
	return confirmed, nil
}

// confirmation is that of a factor whose code was right.
type confirmation struct {
	user    store.User
	factor  store.Factor
	request accounts.ConfirmFactorRequest
	now     time.Time
}

// confirm writes down all that comes of it.
func (s *Factors) confirm(ctx context.Context, tx *db.Tx, c confirmation) (confirmed accounts.ConfirmedFactor, _ error) {
	lost, err := s.settle(ctx, tx, c)
	if err != nil {
		return confirmed, err
	}
	if err := s.dropReplaced(ctx, tx, c, lost); err != nil {
		return confirmed, err
	}
	f, err := store.ConfirmFactor(ctx, tx, c.factor.ID, c.now)
	if err != nil {
		return confirmed, err
	}
	if err := store.RequireConfirmation(ctx, tx, c.user.ID, c.now); err != nil {
		return confirmed, err
	}
	left, err := store.CountRecoveryCodes(ctx, tx, c.user.ID)
	if err != nil {
		return confirmed, err
	}
	if lost || left == 0 {
		if confirmed.RecoveryCodes, err = s.newCodes(ctx, tx, c.user, c.now); err != nil {
			return confirmed, err
		}
	}
	if err := record(ctx, tx, store.FactorConfirmed, c.request.Actor, f, c.now); err != nil {
		return confirmed, err
	}
	if err := s.tell(ctx, tx, c.user, mail.FactorAdded, c.request.Actor, c.now); err != nil {
		return confirmed, err
	}
	confirmed.Factor, err = s.show(f)
	return confirmed, err
}

// settle tells whether the session was there to replace a lost factor, which it
// has done by this. Whatever answered the session's challenge, its user has now
// shown the new factor as well.
func (s *Factors) settle(ctx context.Context, tx *db.Tx, c confirmation) (lost bool, _ error) {
	mfa := c.request.Actor.MFA
	if mfa == nil {
		return false, nil
	}
	lost, err := store.FactorReplaced(ctx, tx, c.user.ID, *mfa, c.factor.Channel)
	if err != nil {
		return false, err
	}
	if lost {
		return true, store.CancelRecoveries(ctx, tx, c.user.ID, c.now)
	}
	return false, store.RaiseChallenge(ctx, tx, c.user.ID, *mfa, c.factor.Channel)
}

// dropReplaced removes the factors in whose place the new one comes.
func (s *Factors) dropReplaced(ctx context.Context, tx *db.Tx, c confirmation, lost bool) error {
	factors, err := store.FactorsOf(ctx, tx, c.user.ID)
	if err != nil {
		return err
	}
	for _, f := range factors {
		if f.ID == c.factor.ID || !lost && (f.Confirmed == nil || f.Channel != c.factor.Channel) {
			continue
		}
		if err := drop(ctx, tx, f, c.now); err != nil {
			return err
		}
		if f.Confirmed == nil {
			continue
		}
		if err := record(ctx, tx, store.FactorRemoved, c.request.Actor, f, c.now); err != nil {
			return err
		}
	}
	return nil
}

// drop removes a factor together with the challenges that it could answer.
func drop(ctx context.Context, tx *db.Tx, f store.Factor, now time.Time) error {
	if _, err := store.DeleteFactor(ctx, tx, f.ID); err != nil || f.Confirmed == nil {
		return err
	}
	return store.EndChallenges(ctx, tx, f.User, f.Channel, now)
}
