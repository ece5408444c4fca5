package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// FindIdentity implements the API.
func (s *Service) FindIdentity(ctx context.Context, u accounts.UpstreamIdentity) (accounts.Identity, error) {
	return s.records.identities.Find(ctx, u)
}

// LinkIdentity implements the API.
func (s *Service) LinkIdentity(ctx context.Context, r accounts.LinkIdentityRequest) (accounts.LinkedIdentity, error) {
	return s.records.identities.Link(ctx, r)
}

// ListIdentities implements the API.
func (s *Service) ListIdentities(ctx context.Context, r accounts.ActorRequest) (accounts.IdentityList, error) {
	return s.records.identities.List(ctx, r)
}

// UnlinkIdentity implements the API.
func (s *Service) UnlinkIdentity(ctx context.Context, r accounts.UnlinkIdentityRequest) (api.Nothing, error) {
	return api.Nothing{}, s.records.identities.Unlink(ctx, r)
}
