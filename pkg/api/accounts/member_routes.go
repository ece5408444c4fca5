package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Members].
var (
	listMembersRoute        = rpc.Route[ListMembersRequest, MemberList]{Service: Name, Method: "ListMembers", Callers: []string{api.Gateway}, Idempotent: true}
	getMemberRoute          = rpc.Route[MemberRequest, Member]{Service: Name, Method: "GetMember", Callers: []string{api.Gateway}, Idempotent: true}
	addMemberRoute          = rpc.Route[AddMemberRequest, Member]{Service: Name, Method: "AddMember", Callers: []string{api.Gateway}}
	updateMemberRoute       = rpc.Route[UpdateMemberRequest, Member]{Service: Name, Method: "UpdateMember", Callers: []string{api.Gateway}}
	removeMemberRoute       = rpc.Route[MemberRequest, api.Nothing]{Service: Name, Method: "RemoveMember", Callers: []string{api.Gateway}}
	sendInvitationRoute     = rpc.Route[MemberRequest, Member]{Service: Name, Method: "SendInvitation", Callers: []string{api.Gateway}}
	withdrawInvitationRoute = rpc.Route[MemberRequest, api.Nothing]{Service: Name, Method: "WithdrawInvitation", Callers: []string{api.Gateway}}
	unlockMemberRoute       = rpc.Route[MemberRequest, api.Nothing]{Service: Name, Method: "UnlockMember", Callers: []string{api.Gateway}}
	impersonateRoute        = rpc.Route[MemberRequest, Identity]{Service: Name, Method: "Impersonate", Callers: []string{api.Gateway, api.OAuth}}
)

func mountMembers(server *rpc.Server, s Members) {
	rpc.Handle(server, listMembersRoute, s.ListMembers)
	rpc.Handle(server, getMemberRoute, s.GetMember)
	rpc.Handle(server, addMemberRoute, s.AddMember)
	rpc.Handle(server, updateMemberRoute, s.UpdateMember)
	rpc.Handle(server, removeMemberRoute, s.RemoveMember)
	rpc.Handle(server, sendInvitationRoute, s.SendInvitation)
	rpc.Handle(server, withdrawInvitationRoute, s.WithdrawInvitation)
	rpc.Handle(server, unlockMemberRoute, s.UnlockMember)
	rpc.Handle(server, impersonateRoute, s.Impersonate)
}

func (c client) ListMembers(ctx context.Context, r ListMembersRequest) (MemberList, error) {
	return rpc.Call(ctx, c.conn, listMembersRoute, r)
}

func (c client) GetMember(ctx context.Context, r MemberRequest) (Member, error) {
	return rpc.Call(ctx, c.conn, getMemberRoute, r)
}

func (c client) AddMember(ctx context.Context, r AddMemberRequest) (Member, error) {
	return rpc.Call(ctx, c.conn, addMemberRoute, r)
}

func (c client) UpdateMember(ctx context.Context, r UpdateMemberRequest) (Member, error) {
	return rpc.Call(ctx, c.conn, updateMemberRoute, r)
}

func (c client) RemoveMember(ctx context.Context, r MemberRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, removeMemberRoute, r)
}

func (c client) SendInvitation(ctx context.Context, r MemberRequest) (Member, error) {
	return rpc.Call(ctx, c.conn, sendInvitationRoute, r)
}

func (c client) WithdrawInvitation(ctx context.Context, r MemberRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, withdrawInvitationRoute, r)
}

func (c client) UnlockMember(ctx context.Context, r MemberRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, unlockMemberRoute, r)
}

func (c client) Impersonate(ctx context.Context, r MemberRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, impersonateRoute, r)
}
