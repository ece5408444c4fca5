package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/activation"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/admission"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/device"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/login"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/reset"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/throttle"
)

// logins are the parts of the service that let people in, and that change
// their passwords.
type logins struct {
	login     *login.Login
	throttle  *throttle.Throttle
	admission *admission.Gate
	reset     *reset.Passwords
}

func newLogins(c Config, d Deps, box *outbox.Outbox, hasher *password.Hasher, counters *metrics.Metrics,
	challenges admission.Challenges, people *directory.Directory,
) logins {
	guard, url := throttle.New(d.Ring, d.Clock), activation.TrimURL(c.PublicURL)
	checks := login.New(login.Options{
		DB: d.DB, Outbox: box, Hasher: hasher, Throttle: guard, Clock: d.Clock, Logger: d.Obs.Logger, Metrics: counters,
		PublicURL: url,
	})
	return logins{
		login: checks, throttle: guard,
		admission: admission.New(admission.Options{
			DB: d.DB, Outbox: box, Clock: d.Clock, Directory: people, Challenges: challenges,
			Unusual: admission.Unusual(c.UnusualLogin),
		}),
		reset: reset.New(reset.Options{
			DB: d.DB, Outbox: box, Hasher: hasher, Login: checks, Throttle: guard, Directory: people, Clock: d.Clock,
			PublicURL: url,
		}),
	}
}

// sweepLogins removes counters and places that mean nothing any more.
func (s *Service) sweepLogins(ctx context.Context) error {
	now := s.deps.Clock.Now()
	if _, err := store.SweepThrottles(ctx, s.deps.DB, s.logins.throttle.SweepBefore(), now); err != nil {
		return err
	}
	_, err := store.SweepPlaces(ctx, s.deps.DB, now.Add(-device.Memory))
	return err
}

// Authenticate implements the API.
func (s *Service) Authenticate(ctx context.Context, r accounts.AuthenticateRequest) (accounts.Identity, error) {
	return s.logins.login.Authenticate(ctx, r)
}

// Admit implements the API.
func (s *Service) Admit(ctx context.Context, r accounts.AdmitRequest) (accounts.Admission, error) {
	return s.logins.admission.Admit(ctx, r)
}

// AcceptTerms implements the API.
func (s *Service) AcceptTerms(ctx context.Context, r accounts.AcceptTermsRequest) (accounts.Identity, error) {
	return s.logins.admission.AcceptTerms(ctx, r)
}

// Unlock implements the API.
func (s *Service) Unlock(ctx context.Context, r accounts.OpenLinkRequest) (api.Nothing, error) {
	return api.Nothing{}, s.logins.login.Unlock(ctx, r)
}
