package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/activation"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/factor"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/recovery"
)

// factors are by what logins are confirmed, and what there is when that is lost.
type factors struct {
	challenge *challenge.Challenges
	factor    *factor.Factors
	recovery  *recovery.Recoveries
}

func newFactors(c Config, d Deps, box *outbox.Outbox, challenges *challenge.Challenges, passwords factor.Passwords) factors {
	return factors{
		challenge: challenges,
		factor: factor.New(factor.Options{
			DB: d.DB, Outbox: box, Clock: d.Clock, Challenges: challenges, Passwords: passwords, Product: c.Product,
		}),
		recovery: recovery.New(recovery.Options{
			DB: d.DB, Outbox: box, Clock: d.Clock, Logger: d.Obs.Logger, Challenges: challenges,
			PublicURL: activation.TrimURL(c.PublicURL), FinishWindow: c.FinishWindow,
		}),
	}
}

// sweep removes what is needed no more.
func (f factors) sweep(ctx context.Context) error {
	if _, err := f.challenge.Sweep(ctx); err != nil {
		return err
	}
	_, err := f.recovery.Sweep(ctx)
	return err
}

// ListFactors implements the API.
func (s *Service) ListFactors(ctx context.Context, r accounts.ActorRequest) (accounts.FactorList, error) {
	return s.factors.factor.List(ctx, r.Actor)
}

// EnrolFactor implements the API.
func (s *Service) EnrolFactor(ctx context.Context, r accounts.EnrolFactorRequest) (accounts.Enrolment, error) {
	return s.factors.factor.Enrol(ctx, r)
}

// DrawFactor implements the API.
func (s *Service) DrawFactor(ctx context.Context, r accounts.DrawFactorRequest) (accounts.Enrolment, error) {
	return s.factors.factor.Draw(ctx, r)
}

// ConfirmFactor implements the API.
func (s *Service) ConfirmFactor(ctx context.Context, r accounts.ConfirmFactorRequest) (accounts.ConfirmedFactor, error) {
	return s.factors.factor.Confirm(ctx, r)
}

// RemoveFactor implements the API.
func (s *Service) RemoveFactor(ctx context.Context, r accounts.RemoveFactorRequest) (api.Nothing, error) {
	return api.Nothing{}, s.factors.factor.Remove(ctx, r)
}

// RenewRecoveryCodes implements the API.
func (s *Service) RenewRecoveryCodes(ctx context.Context, r accounts.ActorRequest) (accounts.RecoveryCodes, error) {
	return s.factors.factor.Renew(ctx, r.Actor)
}
