package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// ListConsents implements [oauth.Service].
func (s *Service) ListConsents(ctx context.Context, r oauth.SubjectRequest) (oauth.ConsentList, error) {
	return s.consents.List(ctx, r.Subject)
}

// RevokeConsent implements [oauth.Service].
func (s *Service) RevokeConsent(ctx context.Context, r oauth.RevokeConsentRequest) (api.Nothing, error) {
	return api.Nothing{}, s.consents.Revoke(ctx, r.Subject, r.Consent, s.clock.Now())
}

// Forget implements [oauth.Service].
func (s *Service) Forget(ctx context.Context, r oauth.SubjectRequest) (api.Nothing, error) {
	if err := s.sessions.Forget(ctx, r.Subject); err != nil {
		return api.Nothing{}, err
	}
	return api.Nothing{}, s.consents.Forget(ctx, r.Subject)
}

// FindDevice implements [oauth.Service].
func (s *Service) FindDevice(ctx context.Context, r oauth.DeviceRequest) (oauth.Device, error) {
	return s.devices.Find(ctx, r)
}

// DecideDevice implements [oauth.Service].
func (s *Service) DecideDevice(ctx context.Context, r oauth.DecideDeviceRequest) (api.Nothing, error) {
	return api.Nothing{}, s.devices.Decide(ctx, r)
}

// Logo implements [oauth.Service].
func (s *Service) Logo(ctx context.Context, r oauth.LogoRequest) (oauth.Logo, error) {
	return s.logos.Of(ctx, r.Client)
}

// Providers implements [oauth.Service].
func (s *Service) Providers(ctx context.Context, r oauth.ProvidersRequest) (oauth.ProviderList, error) {
	return s.upstream.Providers(ctx, r)
}

// BeginIdentity implements [oauth.Service].
func (s *Service) BeginIdentity(ctx context.Context, r oauth.BeginIdentityRequest) (oauth.IdentityState, error) {
	return s.upstream.Begin(ctx, r)
}

// FinishIdentity implements [oauth.Service].
func (s *Service) FinishIdentity(ctx context.Context, r oauth.FinishIdentityRequest) (oauth.ProvedIdentity, error) {
	return s.upstream.Finish(ctx, r)
}

// ListHubProviders implements [oauth.Service].
func (s *Service) ListHubProviders(ctx context.Context, r oauth.HubProvidersRequest) (oauth.HubProviderList, error) {
	return s.upstream.List(ctx, r)
}

// PutHubProvider implements [oauth.Service].
func (s *Service) PutHubProvider(ctx context.Context, r oauth.PutHubProviderRequest) (oauth.HubProvider, error) {
	return s.upstream.Put(ctx, r)
}

// DeleteHubProvider implements [oauth.Service].
func (s *Service) DeleteHubProvider(ctx context.Context, r oauth.HubProviderRequest) (api.Nothing, error) {
	return api.Nothing{}, s.upstream.Delete(ctx, r)
}
