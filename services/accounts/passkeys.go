package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/activation"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/login"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/passkey"
)

func newPasskeys(c Config, d Deps, box *outbox.Outbox, l *login.Login) (*passkey.Passkeys, error) {
	return passkey.New(passkey.Options{
		DB: d.DB, Outbox: box, Clock: d.Clock, Logger: d.Obs.Logger,
		PublicURL: activation.TrimURL(c.PublicURL), Product: c.Product,
		Password: func(ctx context.Context, a api.Actor, field, password string) error {
			_, err := l.Confirm(ctx, a, field, password)
			return err
		},
	})
}

// BeginPasskey implements the API.
func (s *Service) BeginPasskey(ctx context.Context, r accounts.ActorRequest) (accounts.PasskeyCeremony, error) {
	return s.passkeys.Begin(ctx, r)
}

// FinishPasskey implements the API.
func (s *Service) FinishPasskey(ctx context.Context, r accounts.FinishPasskeyRequest) (accounts.Passkey, error) {
	return s.passkeys.Finish(ctx, r)
}

// ListPasskeys implements the API.
func (s *Service) ListPasskeys(ctx context.Context, r accounts.ActorRequest) (accounts.PasskeyList, error) {
	return s.passkeys.List(ctx, r)
}

// RemovePasskey implements the API.
func (s *Service) RemovePasskey(ctx context.Context, r accounts.RemovePasskeyRequest) (api.Nothing, error) {
	return api.Nothing{}, s.passkeys.Remove(ctx, r)
}

// BeginPasskeyLogin implements the API.
func (s *Service) BeginPasskeyLogin(ctx context.Context, _ accounts.BeginPasskeyLoginRequest) (accounts.PasskeyCeremony, error) {
	return s.passkeys.BeginLogin(ctx)
}

// FinishPasskeyLogin implements the API.
func (s *Service) FinishPasskeyLogin(ctx context.Context, r accounts.FinishPasskeyLoginRequest) (accounts.Identity, error) {
	return s.passkeys.FinishLogin(ctx, r)
}
