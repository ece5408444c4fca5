package portal_test

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// offering makes a provider of identities known.
func (w *world) offering() *world {
	w.oauth.upstream = gatewaytest.NewOAuth()
	return w
}

// Providers implements oauth.Service.
func (f *fakeOAuth) Providers(ctx context.Context, r oauth.ProvidersRequest) (oauth.ProviderList, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r)
	if f.upstream == nil {
		return oauth.ProviderList{}, f.err
	}
	return f.upstream.Providers(ctx, r)
}

// BeginIdentity implements oauth.Service.
func (f *fakeOAuth) BeginIdentity(ctx context.Context, r oauth.BeginIdentityRequest) (oauth.IdentityState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = append(f.begun, r)
	return f.upstream.BeginIdentity(ctx, r)
}

// FinishIdentity implements oauth.Service.
func (f *fakeOAuth) FinishIdentity(ctx context.Context, r oauth.FinishIdentityRequest) (oauth.ProvedIdentity, error) {
	if r.Error == "access_denied" {
		return oauth.ProvedIdentity{}, fault.New(fault.Unauthenticated, "fault.identity_denied", "Provider", "Company account")
	}
	return f.upstream.FinishIdentity(ctx, r)
}

// FindIdentity implements accounts.Service.
func (p *people) FindIdentity(ctx context.Context, u accounts.UpstreamIdentity) (accounts.Identity, error) {
	if u.Subject != gatewaytest.UpstreamSubject {
		return accounts.Identity{}, fault.New(fault.Unauthenticated, "fault.identity_unknown")
	}
	return p.identity(ctx)
}
