package member

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Add lists a person in the actor's hub, whether or not the address has an
// account: neither the answer nor the work differ.
func (m *Members) Add(ctx context.Context, r accounts.AddMemberRequest) (accounts.Member, error) {
	var v fault.Violations
	added := store.Member{
		FirstName: input.OptionalName(&v, "first_name", r.FirstName),
		LastName:  input.OptionalName(&v, "last_name", r.LastName),
		Language:  r.Language, Role: accounts.RoleUser,
	}
	email := input.RequiredEmail(&v, "email", r.Email)
	input.Language(&v, "language", r.Language)
	if r.Role != nil {
		added.Role = *r.Role
		input.Role(&v, "role", *r.Role, accounts.RolePassive)
	}
	if err := v.Err(); err != nil {
		return accounts.Member{}, err
	}
	added.Email = email.Address

	var c *change
	err := m.inHub(ctx, r.Actor, accounts.RoleAdministrator, func(ctx context.Context, in *change) (err error) {
		c = in
		if added.Role > c.who.Role {
			return forbidden()
		}
		added.Hub = c.hub.Hub.ID
		full, err := store.ManyListed(ctx, c.tx, added.Hub, maxListed)
		if err != nil {
			return err
		}
		if full {
			return fault.New(fault.Conflict, "fault.too_many")
		}
		if added.User, err = m.o.Activation.Person(ctx, c.tx, email, r.Language, c.now); err != nil {
			return err
		}
		isNew, err := store.InsertMember(ctx, c.tx, added, c.now)
		if err != nil {
			return err
		}
		if !isNew {
			return fault.New(fault.Conflict, "fault.member_exists")
		}
		c.target = added
		if err := c.reload(ctx); err != nil {
			return err
		}
		if err := c.record(ctx, store.MemberAdded, map[string]any{"role": added.Role}); err != nil {
			return err
		}
		if r.Access {
			return m.send(ctx, c)
		}
		return nil
	})
	if err != nil {
		return accounts.Member{}, err
	}
	return shown(c.target), nil
}

// Remove ends a membership, or takes somebody off the list who has not joined.
func (m *Members) Remove(ctx context.Context, r accounts.MemberRequest) error {
	return m.onMember(ctx, r, accounts.RoleUser, func(ctx context.Context, c *change) error {
		kind := store.MemberLeft
		if c.themselves() {
			if err := r.Actor.AsSelf(); err != nil {
				return err
			}
		} else {
			kind = store.MemberRemoved
			if c.who.Role < accounts.RoleAdministrator {
				return forbidden()
			}
		}
		if err := c.keepOwner(ctx); err != nil {
			return err
		}
		if err := store.RevokeInvitations(ctx, c.tx, c.target.Hub, c.target.User.ID, c.now); err != nil {
			return err
		}
		if err := store.DeleteMember(ctx, c.tx, c.target.Hub, c.target.User.ID); err != nil {
			return err
		}
		if err := m.endSessions(ctx, c); err != nil {
			return err
		}
		if err := c.record(ctx, kind, map[string]any{"role": c.target.Role, "joined": c.target.Joined()}); err != nil {
			return err
		}
		if kind == store.MemberLeft {
			return nil
		}
		return m.tell(ctx, c, mail.MemberRemoved)
	})
}

// Impersonate lets the actor act as a member of the hub.
func (m *Members) Impersonate(ctx context.Context, r accounts.MemberRequest) (accounts.Identity, error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.Identity{}, err
	}
	var identity accounts.Identity
	err := m.inHub(ctx, r.Actor, accounts.RoleUser, func(ctx context.Context, c *change) (err error) {
		if !c.who.MayAct() {
			return forbidden()
		}
		if !c.hub.Features.Impersonation {
			return fault.New(fault.Forbidden, "fault.impersonation_off")
		}
		if c.target, err = store.MemberByRef(ctx, c.tx, c.hub.Hub.ID, r.Member); err != nil {
			return orNotFound(err)
		}
		if err := c.mayBeActedAs(); err != nil {
			return err
		}
		identity = accounts.Identity{User: c.target.User.User, Hub: &c.hub.Hub}
		e := store.Did(store.MemberImpersonated, c.actor, c.now)
		e.User, e.Impersonator = &c.target.User.ID, &c.who.User.ID
		if err := store.Record(ctx, c.tx, e); err != nil {
			return err
		}
		return m.tell(ctx, c, mail.Impersonated)
	})
	if err != nil {
		return accounts.Identity{}, err
	}
	return identity, nil
}
