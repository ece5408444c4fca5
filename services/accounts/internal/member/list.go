package member

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// List lists the members of the actor's hub by name.
func (m *Members) List(ctx context.Context, r accounts.ListMembersRequest) (accounts.MemberList, error) {
	var v fault.Violations
	filter := store.MemberFilter{Needle: input.Needle(&v, "query", r.Query), Role: r.Role, Status: r.Status}
	input.Page(&v, r.Page)
	if r.Role != nil {
		input.Role(&v, "role", *r.Role, accounts.RoleNone)
	}
	if r.Status != nil && (*r.Status < accounts.Disabled || *r.Status > accounts.Invited) {
		v.Add("status", "validation.one_of", "Values", "0, 1, 2")
	}
	if err := v.Err(); err != nil {
		return accounts.MemberList{}, err
	}
	_, hub, err := directory.Acting(ctx, m.o.DB, r.Actor, m.o.Clock.Now())
	if err != nil {
		return accounts.MemberList{}, err
	}
	members, total, err := store.ListMembers(ctx, m.o.DB, hub.Hub.ID, filter, r.Page)
	if err != nil {
		return accounts.MemberList{}, err
	}
	list := accounts.MemberList{Members: make([]accounts.Member, 0, len(members)), Total: total}
	for _, member := range members {
		list.Members = append(list.Members, shown(member))
	}
	return list, nil
}

// Get gives a member of the actor's hub, or the actor.
func (m *Members) Get(ctx context.Context, r accounts.MemberRequest) (accounts.Member, error) {
	user, err := directory.ActingUser(ctx, m.o.DB, r.Actor)
	if err != nil {
		return accounts.Member{}, err
	}
	if names(r.Member, user) {
		return oneself(ctx, m.o.DB, r.Actor, user)
	}
	_, hub, err := directory.Acting(ctx, m.o.DB, r.Actor, m.o.Clock.Now())
	if err != nil {
		return accounts.Member{}, err
	}
	member, err := store.MemberByRef(ctx, m.o.DB, hub.Hub.ID, r.Member)
	if err != nil {
		return accounts.Member{}, orNotFound(err)
	}
	return shown(member), nil
}

// names tells whether the user is meant.
func names(ref api.Ref, u store.User) bool {
	return ref.Hash == u.Hash || ref.Hash == "" && ref.ID == u.ID
}

// oneself is the actor in the session's hub, if they are in it.
func oneself(ctx context.Context, q db.Queryer, a api.Actor, user store.User) (accounts.Member, error) {
	if a.Hub == nil {
		return alone(user), nil
	}
	member, err := store.MemberOf(ctx, q, *a.Hub, user.ID)
	if errors.Is(err, db.ErrNoRows) || err == nil && !member.Joined() {
		return alone(user), nil
	}
	if err != nil {
		return accounts.Member{}, err
	}
	return shown(member), nil
}
