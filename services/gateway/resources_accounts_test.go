package gateway_test

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// accountsDouble answers everything about two members and one hub.
type accountsDouble struct {
	*gatewaytest.Accounts
	asked *asked
	now   time.Time
}

const otherHash = "a13b1b362d914d12bbcf5de981e3a7f53d00a8d0"

// person is the caller, if they are meant, or somebody else.
func (d accountsDouble) person(r api.Ref) accounts.Member {
	m := accounts.Member{
		User: accounts.User{
			ID: 2, Hash: otherHash, FirstName: "Uli", LastName: "Hoeneß", Email: "uli@example.org", Status: accounts.Active,
			LoginConfirmation: true,
		},
		Role: accounts.RoleUser, CreatedTime: d.now, ModifiedTime: d.now, JoinedTime: &d.now,
	}
	if r.ID == 1 || r.Hash == gatewaytest.UserHash {
		m.User.ID, m.User.Hash, m.User.FirstName, m.User.LastName, m.User.Alias = 1, gatewaytest.UserHash, "Olli", "Kahn", "titan"
		m.Role = accounts.RoleOwner
	}
	return m
}

func (d accountsDouble) ListMembers(_ context.Context, r accounts.ListMembersRequest) (accounts.MemberList, error) {
	list := accounts.MemberList{Total: 2}
	if r.Page.Number == 1 {
		list.Members = []accounts.Member{d.person(api.Ref{ID: 1}), d.person(api.Ref{ID: 2})}
	}
	return list, d.asked.note(r)
}

func (d accountsDouble) GetMember(_ context.Context, r accounts.MemberRequest) (accounts.Member, error) {
	return d.person(r.Member), d.asked.note(r)
}

func (d accountsDouble) AddMember(_ context.Context, r accounts.AddMemberRequest) (accounts.Member, error) {
	return d.person(api.Ref{ID: 2}), d.asked.note(r)
}

func (d accountsDouble) UpdateMember(_ context.Context, r accounts.UpdateMemberRequest) (accounts.Member, error) {
	return d.person(r.Member), d.asked.note(r)
}

func (d accountsDouble) GetProfile(_ context.Context, r accounts.MemberRequest) (accounts.Profile, error) {
	return accounts.Profile{User: 1, Hash: gatewaytest.UserHash, Nickname: "Titan", ModifiedTime: d.now}, d.asked.note(r)
}

func (d accountsDouble) UpdateProfile(_ context.Context, r accounts.UpdateProfileRequest) (accounts.Profile, error) {
	return accounts.Profile{User: 1, Hash: gatewaytest.UserHash, Nickname: "Titan", ModifiedTime: d.now}, d.asked.note(r)
}

func (d accountsDouble) Picture(_ context.Context, r accounts.PictureRequest) (accounts.ImageContent, error) {
	return accounts.ImageContent{Image: d.picture(), Data: []byte("\xff\xd8\xff\xe0")}, d.asked.note(r)
}

func (d accountsDouble) RemoveMember(_ context.Context, r accounts.MemberRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d accountsDouble) SendInvitation(_ context.Context, r accounts.MemberRequest) (accounts.Member, error) {
	return d.person(r.Member), d.asked.note(r)
}

func (d accountsDouble) WithdrawInvitation(_ context.Context, r accounts.MemberRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d accountsDouble) UnlockMember(_ context.Context, r accounts.MemberRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d accountsDouble) team() accounts.HubMembership {
	yes := true
	expires := d.now.Add(30 * 24 * time.Hour)
	return accounts.HubMembership{
		Hub: accounts.Hub{
			ID: 1, Hash: gatewaytest.HubHash, Name: "Nordantech", ExpirationTime: &expires, CreatedTime: d.now, ModifiedTime: d.now,
			Settings: accounts.HubSettings{LoginConfirmationChannel: 1}, Policies: accounts.HubPolicies{RecoveryApproval: true},
		},
		Role: accounts.RoleOwner, Features: accounts.Features{Audit: &yes, Trash: 7},
	}
}

func (d accountsDouble) ListHubs(_ context.Context, r accounts.ListHubsRequest) (accounts.HubList, error) {
	list := accounts.HubList{Total: 1}
	if r.Page.Number == 1 {
		list.Hubs = []accounts.HubMembership{d.team()}
	}
	return list, d.asked.note(r)
}

func (d accountsDouble) CreateHub(_ context.Context, r accounts.CreateHubRequest) (accounts.HubMembership, error) {
	return d.team(), d.asked.note(r)
}

func (d accountsDouble) GetHub(_ context.Context, r accounts.HubRequest) (accounts.HubMembership, error) {
	return d.team(), d.asked.note(r)
}

func (d accountsDouble) UpdateHub(_ context.Context, r accounts.UpdateHubRequest) (accounts.HubMembership, error) {
	return d.team(), d.asked.note(r)
}

func (d accountsDouble) picture() accounts.Image {
	return accounts.Image{ID: 5, Hash: otherHash, Extension: "jpg", MIME: "image/jpeg", Size: 4, CreatedTime: d.now}
}

func (d accountsDouble) SetImage(_ context.Context, r accounts.SetImageRequest) (accounts.Image, error) {
	return d.picture(), d.asked.note(r)
}

func (d accountsDouble) GetImage(_ context.Context, r accounts.ImageRequest) (accounts.ImageContent, error) {
	return accounts.ImageContent{Image: d.picture(), Data: []byte("\xff\xd8\xff\xe0")}, d.asked.note(r)
}

func (d accountsDouble) RemoveImage(_ context.Context, r accounts.ImageRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d accountsDouble) ListEvents(_ context.Context, r accounts.ListEventsRequest) (accounts.EventList, error) {
	list := accounts.EventList{Total: len(d.asked.events)}
	left := r.Page.Offset()
	if r.Before > 0 {
		left, list.Total = 0, 0
	}
	for _, e := range d.asked.events {
		switch {
		case r.Before > 0 && e.ID >= r.Before:
		case left > 0:
			left--
		case len(list.Events) < r.Page.Size:
			list.Events = append(list.Events, e)
		}
	}
	return list, d.asked.note(r)
}

func (d accountsDouble) ExportAccount(_ context.Context, r accounts.ActorRequest) (accounts.Export, error) {
	return accounts.Export{Data: json.RawMessage(`{"user":{"name":"Olli <Kahn>"}}`)}, d.asked.note(r)
}

func (d accountsDouble) RequestDeletion(_ context.Context, r accounts.RequestDeletionRequest) (accounts.Deletion, error) {
	return accounts.Deletion{DeletionTime: d.now.Add(14 * 24 * time.Hour)}, d.asked.note(r)
}

func (d accountsDouble) CancelDeletion(_ context.Context, r accounts.ActorRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d accountsDouble) ListIdentities(_ context.Context, r accounts.ActorRequest) (accounts.IdentityList, error) {
	return accounts.IdentityList{Identities: []accounts.LinkedIdentity{{ID: 3, Hash: otherHash, Provider: "company"}}}, d.asked.note(r)
}

func (d accountsDouble) AssignIdentity(_ context.Context, r accounts.AssignIdentityRequest) (accounts.AssignedIdentity, error) {
	return accounts.AssignedIdentity{Provider: r.Provider, Email: r.Email}, d.asked.note(r)
}

func (d accountsDouble) UnassignIdentity(_ context.Context, r accounts.UnassignIdentityRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d accountsDouble) UnlinkIdentity(_ context.Context, r accounts.UnlinkIdentityRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}
