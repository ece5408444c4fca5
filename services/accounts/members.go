package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// ListMembers implements the API.
func (s *Service) ListMembers(ctx context.Context, r accounts.ListMembersRequest) (accounts.MemberList, error) {
	return s.members.List(ctx, r)
}

// GetMember implements the API.
func (s *Service) GetMember(ctx context.Context, r accounts.MemberRequest) (accounts.Member, error) {
	return s.members.Get(ctx, r)
}

// AddMember implements the API.
func (s *Service) AddMember(ctx context.Context, r accounts.AddMemberRequest) (accounts.Member, error) {
	return s.members.Add(ctx, r)
}

// UpdateMember implements the API.
func (s *Service) UpdateMember(ctx context.Context, r accounts.UpdateMemberRequest) (accounts.Member, error) {
	return s.members.Update(ctx, r)
}

// RemoveMember implements the API.
func (s *Service) RemoveMember(ctx context.Context, r accounts.MemberRequest) (api.Nothing, error) {
	return api.Nothing{}, s.members.Remove(ctx, r)
}

// SendInvitation implements the API.
func (s *Service) SendInvitation(ctx context.Context, r accounts.MemberRequest) (accounts.Member, error) {
	return s.members.SendInvitation(ctx, r)
}

// WithdrawInvitation implements the API.
func (s *Service) WithdrawInvitation(ctx context.Context, r accounts.MemberRequest) (api.Nothing, error) {
	return api.Nothing{}, s.members.WithdrawInvitation(ctx, r)
}

// UnlockMember implements the API.
func (s *Service) UnlockMember(ctx context.Context, r accounts.MemberRequest) (api.Nothing, error) {
	return api.Nothing{}, s.members.Unlock(ctx, r)
}

// Impersonate implements the API.
func (s *Service) Impersonate(ctx context.Context, r accounts.MemberRequest) (accounts.Identity, error) {
	return s.members.Impersonate(ctx, r)
}

// ConfirmEmail implements the API.
func (s *Service) ConfirmEmail(ctx context.Context, r accounts.ConfirmLinkRequest) (api.Nothing, error) {
	return api.Nothing{}, s.members.ConfirmEmail(ctx, r)
}

// GetProfile implements the API.
func (s *Service) GetProfile(ctx context.Context, r accounts.MemberRequest) (accounts.Profile, error) {
	return s.members.Profile(ctx, r)
}

// UpdateProfile implements the API.
func (s *Service) UpdateProfile(ctx context.Context, r accounts.UpdateProfileRequest) (accounts.Profile, error) {
	return s.members.UpdateProfile(ctx, r)
}
