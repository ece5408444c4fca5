package accounts

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// endings is a sessions service that notes what is to end.
type endings struct {
	sessions.Service

	mu  sync.Mutex
	all []sessions.EndAllRequest
}

func (e *endings) EndAll(_ context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, r)
	return api.Nothing{}, nil
}

// team is a hub with a member of every role.
type team struct {
	*fixture

	hub                               int64
	owner, tech, admin, user, passive accounts.Identity
	ended                             *endings
}

// onTeam runs the test with a team on each database.
func onTeam(t *testing.T, test func(f *team), change ...func(*Config, *Deps)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, accounts.Name, Migrations, func(t *testing.T, d *db.DB) {
		ended := &endings{}
		f := &team{ended: ended, fixture: newFixture(t, d, append(change, func(_ *Config, d *Deps) { d.Sessions = ended })...)}
		f.owner = f.register("owner@example.com")
		f.hub = f.owner.Hub.ID
		f.tech = f.join("tech@example.com", f.hub, accounts.RoleTechnicalAdministrator)
		f.admin = f.join("admin@example.com", f.hub, accounts.RoleAdministrator)
		f.user = f.join("user@example.com", f.hub, accounts.RoleUser)
		f.passive = f.join("passive@example.com", f.hub, accounts.RolePassive)
		f.deliver()
		test(f)
	})
}

// by is somebody of a role.
func (f *team) by(role accounts.Role) api.Actor {
	return actor([]accounts.Identity{{}, f.passive, f.user, f.admin, f.tech, f.owner}[role])
}

// elsewhere owns another hub.
func (f *team) elsewhere() accounts.Identity {
	f.t.Helper()
	return f.register("elsewhere@example.com")
}

func hubless(i accounts.Identity) api.Actor {
	return api.Actor{User: i.User.ID, Session: 7, Origin: browser}
}

func ref(i accounts.Identity) api.Ref { return api.Ref{Hash: i.User.Hash} }

func (f *team) add(a api.Actor, email string, access bool) accounts.Member {
	f.t.Helper()
	m, err := f.AddMember(f.t.Context(), adding(a, email, access))
	require.NoError(f.t, err)
	return m
}

func adding(a api.Actor, email string, access bool) accounts.AddMemberRequest {
	return accounts.AddMemberRequest{
		Actor: a, Email: email, FirstName: "Uli", LastName: "Hoeneß", Language: accounts.English, Access: access,
	}
}

func (f *team) update(a api.Actor, member api.Ref, change func(*accounts.UpdateMemberRequest)) (accounts.Member, error) {
	f.t.Helper()
	r := accounts.UpdateMemberRequest{Actor: a, Member: member}
	change(&r)
	return f.UpdateMember(f.t.Context(), r)
}

func (f *team) get(member api.Ref) accounts.Member {
	f.t.Helper()
	m, err := f.GetMember(f.t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleOwner), Member: member})
	require.NoError(f.t, err)
	return m
}

// role is somebody's in the hub.
func (f *team) role(i accounts.Identity) accounts.Role {
	f.t.Helper()
	return accounts.Role(f.count(`SELECT role FROM memberships WHERE hub_id = $1 AND user_id = $2`, f.hub, i.User.ID))
}

// invitedLink is the link of the last invitation mailed to an address.
func (f *team) invitedLink(email string) string {
	f.t.Helper()
	f.deliver()
	var last mail.SendRequest
	for _, m := range f.mail.to(email) {
		if m.Template == mail.Invitation {
			last = m
		}
	}
	require.NotEmpty(f.t, last.Data, "no invitation to %s", email)
	return linkOf(last)
}

// notices are the events that somebody was told of.
func (f *team) notices(email string) (all []string) {
	f.t.Helper()
	f.deliver()
	for _, m := range f.mail.to(email) {
		if m.Template == mail.SecurityNotice {
			all = append(all, m.Data["event"]+" "+m.Data["subject"])
		}
	}
	return all
}

// endedOf is what has to end of somebody's sessions.
func (f *team) endedOf(i accounts.Identity) (all []sessions.EndAllRequest) {
	f.t.Helper()
	f.deliver()
	f.ended.mu.Lock()
	defer f.ended.mu.Unlock()
	for _, r := range f.ended.all {
		if r.User == i.User.ID {
			all = append(all, r)
		}
	}
	return all
}
