package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func away() error { return fault.New(fault.Unavailable, "") }

// CreateRegistrationToken implements [oauth.Service].
func (s *Service) CreateRegistrationToken(context.Context, oauth.CreateRegistrationTokenRequest) (oauth.CreatedRegistrationToken, error) {
	return oauth.CreatedRegistrationToken{}, away()
}

// ListRegistrationTokens implements [oauth.Service].
func (s *Service) ListRegistrationTokens(context.Context, oauth.ListRegistrationTokensRequest) (oauth.RegistrationTokenList, error) {
	return oauth.RegistrationTokenList{}, away()
}

// DeleteRegistrationToken implements [oauth.Service].
func (s *Service) DeleteRegistrationToken(context.Context, oauth.RegistrationTokenRequest) (api.Nothing, error) {
	return api.Nothing{}, away()
}
