package member

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// mayBeActedAs is Forbidden unless somebody else can act as the target.
func (c *change) mayBeActedAs() error {
	t := c.target
	asMember := store.Membership{Hub: c.hub.Hub, Role: t.Role}
	if c.themselves() || !t.Joined() || t.User.Status != accounts.Active || t.Role > c.who.Role ||
		asMember.Entry(c.now) != store.EntryFree {
		return forbidden()
	}
	return nil
}

// Update changes the actor's profile, or what the hub has to say about somebody
// else.
func (m *Members) Update(ctx context.Context, r accounts.UpdateMemberRequest) (accounts.Member, error) {
	user, err := directory.ActingUser(ctx, m.o.DB, r.Actor)
	if err != nil {
		return accounts.Member{}, err
	}
	if names(r.Member, user) {
		return m.updateOneself(ctx, r, user)
	}
	return m.updateOther(ctx, r)
}

// checkOther names what is wrong with what is given about somebody else.
func checkOther(r *accounts.UpdateMemberRequest) error {
	var v fault.Violations
	for field, value := range map[string]**string{"first_name": &r.FirstName, "last_name": &r.LastName} {
		if *value != nil {
			name := input.OptionalName(&v, field, **value)
			*value = &name
		}
	}
	if r.Role != nil {
		input.Role(&v, "role", *r.Role, accounts.RoleNone)
	}
	if r.Status != nil && *r.Status != accounts.Active && *r.Status != accounts.Disabled {
		v.Add("status", "validation.one_of", "Values", "0, 1")
	}
	return v.Err()
}

// oneselfOnly tells whether something is given that everybody decides for
// themselves.
func oneselfOnly(r accounts.UpdateMemberRequest) bool {
	return r.Alias != nil || r.Language != nil || r.Locale != nil || r.Statefulness != nil || r.LoginConfirmation != nil || r.Email != nil
}

func (m *Members) updateOther(ctx context.Context, r accounts.UpdateMemberRequest) (accounts.Member, error) {
	if oneselfOnly(r) {
		return accounts.Member{}, forbidden()
	}
	if err := checkOther(&r); err != nil {
		return accounts.Member{}, err
	}
	var c *change
	target := accounts.MemberRequest{Actor: r.Actor, Member: r.Member}
	err := m.onMember(ctx, target, accounts.RoleAdministrator, func(ctx context.Context, in *change) error {
		c = in
		if err := c.may(r); err != nil {
			return err
		}
		if r.Revision != nil && !r.Revision.Equal(c.target.Revision()) {
			return fault.New(fault.Conflict, "fault.modified")
		}
		if err := m.updateMembership(ctx, c, r); err != nil {
			return err
		}
		if r.Status == nil || *r.Status == c.target.User.Status {
			return nil
		}
		if err := m.setStatus(ctx, c, *r.Status); err != nil {
			return err
		}
		return c.reload(ctx)
	})
	if err != nil {
		return accounts.Member{}, err
	}
	return shown(c.target), nil
}

// may is Forbidden if the actor may not change something that is given.
func (c *change) may(r accounts.UpdateMemberRequest) error {
	named := r.FirstName != nil || r.LastName != nil
	switch {
	case named && c.target.Joined(),
		r.Role != nil && *r.Role > c.who.Role,
		r.Impersonation != nil && c.who.Role < accounts.RoleOwner,
		r.Status != nil && (c.who.Role < accounts.RoleTechnicalAdministrator || !c.target.Joined()):
		return forbidden()
	default:
		return nil
	}
}

func (m *Members) updateMembership(ctx context.Context, c *change, r accounts.UpdateMemberRequest) error {
	before, after := c.target, c.target
	var fields []string
	set(&fields, "first_name", &after.FirstName, r.FirstName)
	set(&fields, "last_name", &after.LastName, r.LastName)
	set(&fields, "role", &after.Role, r.Role)
	set(&fields, "impersonation", &after.Impersonation, r.Impersonation)
	if len(fields) == 0 {
		return nil
	}
	if after.Role < before.Role {
		if err := c.keepOwner(ctx); err != nil {
			return err
		}
	}
	if err := store.UpdateMember(ctx, c.tx, after, c.later()); err != nil {
		return err
	}
	detail := map[string]any{"fields": fields}
	if after.Role != before.Role {
		detail["role"], detail["old_role"] = after.Role, before.Role
		if err := m.tell(ctx, c, mail.RoleChanged); err != nil {
			return err
		}
	}
	if after.Role < accounts.RoleUser && before.Role >= accounts.RoleUser || actsLess(before, after) {
		if err := m.endSessions(ctx, c); err != nil {
			return err
		}
	}
	if err := m.vouchAnew(ctx, c, before.Role, after.Role); err != nil {
		return err
	}
	if err := c.record(ctx, store.MemberUpdated, detail); err != nil {
		return err
	}
	return c.reload(ctx)
}

// vouchAnew keeps who could log in as the target from rising with them: the word
// of administrators of the former role, or of the provider of a hub alone, was enough
// for what the target was.
func (m *Members) vouchAnew(ctx context.Context, c *change, before, after accounts.Role) error {
	if after <= before || after < accounts.RoleAdministrator {
		return nil
	}
	known, err := store.Unassign(ctx, c.tx, c.target.Hub, c.target.User.ID)
	if err != nil || !known {
		return err
	}
	return m.endSessions(ctx, c)
}

// actsLess tells whether a member may act as fewer others than before. Those they
// act as now may be among them, and end with the sessions that they do it from.
func actsLess(before, after store.Member) bool {
	return before.MayAct() && (!after.MayAct() || after.Role < before.Role)
}

// setStatus disables the target's account, which must be in no other hub, or
// enables it if it was this hub that has disabled it. The account's row is kept first: whoever lists it in another hub comes
// before, and is seen, or after.
func (m *Members) setStatus(ctx context.Context, c *change, status accounts.Status) error {
	user, hub := c.target.User.ID, c.target.Hub
	var changed bool
	var err error
	kind := store.UserDisabled
	if status == accounts.Active {
		kind = store.UserEnabled
		changed, err = store.Enable(ctx, c.tx, user, hub, c.later())
	} else {
		if err := c.keepOwner(ctx); err != nil {
			return err
		}
		changed, err = store.Disable(ctx, c.tx, user, hub, c.later())
	}
	if err != nil {
		return err
	}
	if !changed {
		return forbidden()
	}
	if err := c.record(ctx, kind, nil); err != nil || kind == store.UserEnabled {
		return err
	}
	elsewhere, err := store.InOtherHub(ctx, c.tx, hub, user)
	if err != nil {
		return err
	}
	if elsewhere {
		return forbidden()
	}
	err = relay.EndSessions(ctx, m.o.Outbox, c.tx, sessions.EndAllRequest{
		User: user, UserHash: c.target.User.Hash, Before: c.now, Tokens: true,
	})
	if err != nil {
		return err
	}
	return m.tell(ctx, c, mail.AccountDisabled)
}

func set[T comparable](fields *[]string, name string, to, value *T) {
	if value != nil && *value != *to {
		*to = *value
		*fields = append(*fields, name)
	}
}
