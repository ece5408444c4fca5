package signin

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const maxSubject = 255 // bytes (OpenID Connect Core, section 2)

// Assign says who a member is at a provider, in the place of all that counted for
// the hub before.
func (s *SignIns) Assign(ctx context.Context, r accounts.AssignIdentityRequest) (assigned accounts.AssignedIdentity, _ error) {
	email, err := checkAssigned(r)
	if err != nil {
		return assigned, err
	}
	err = s.onMember(ctx, r.Actor, r.Member, func(ctx context.Context, c *change, target store.Member) error {
		if !target.Joined() {
			return fault.New(fault.Conflict, "fault.member_not_joined")
		}
		in, err := store.SignInOf(ctx, c.tx, c.id(), r.Provider)
		if errors.Is(err, db.ErrNoRows) || err == nil && in.Mode == accounts.SignInOptional {
			return fault.Field("provider", "validation.provider_unassigned")
		}
		if err != nil {
			return err
		}
		if r.Subject != "" && strings.Contains(in.Issuer, "{") { // one issuer per tenant: whose subject?
			return fault.Field("subject", "validation.provider_subject")
		}
		if _, err := store.DropIdentitiesOf(ctx, c.tx, c.id(), target.User.ID, r.Provider); err != nil {
			return err
		}
		assigned = accounts.AssignedIdentity{Provider: r.Provider, Subject: r.Subject, Email: email.Address, CreatedTime: c.now}
		if err := assign(ctx, c, target.User.ID, in, r.Subject, email); err != nil {
			return err
		}
		if err := c.record(ctx, store.IdentityAssigned, target.User.ID, map[string]any{"provider": r.Provider}); err != nil {
			return err
		}
		return notice.Send(ctx, s.o.Outbox, c.tx, target.User, notice.Notice{
			Event: mail.IdentityLinked, Origin: c.actor.Origin, Time: c.now, Subject: in.Title,
		})
	})
	return assigned, err
}

func checkAssigned(r accounts.AssignIdentityRequest) (email input.Email, _ error) {
	var v fault.Violations
	if r.Provider == "" {
		v.Add("provider", "validation.required")
	}
	switch {
	case r.Email == "" && r.Subject == "":
		v.Add("email", "validation.required")
	case r.Email != "" && r.Subject != "":
		v.Add("email", "validation.provider_either")
	case r.Email != "":
		email = input.RequiredEmail(&v, "email", r.Email)
	case len(r.Subject) > maxSubject:
		v.Add("subject", "validation.max_length", "Max", maxSubject)
	case !utf8.ValidString(r.Subject):
		v.Add("subject", "validation.utf8")
	case input.Clean(r.Subject, maxSubject) != r.Subject:
		v.Add("subject", "validation.control_characters")
	}
	return email, v.Err()
}

// assign writes it, for the hub alone, whoever has brought the provider along:
// whose identity is whose everywhere, no hub decides.
func assign(ctx context.Context, c *change, user int64, in accounts.SignIn, subject string, email input.Email) error {
	if subject == "" {
		free, err := store.AssignByEmail(ctx, c.tx, c.id(), user, in.Provider, email.Address, email.Key, c.now)
		if err == nil && !free {
			err = fault.New(fault.Conflict, "fault.identity_linked")
		}
		return err
	}
	hub := c.id()
	_, err := store.InsertIdentity(ctx, c.tx, user, accounts.UpstreamIdentity{
		Provider: in.Provider, Issuer: in.Issuer, Subject: subject, Hub: &hub,
	}, store.ByAssignment, c.now)
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.Conflict, "fault.identity_linked")
	}
	return err
}

// Unassign takes back who a member is at a provider.
func (s *SignIns) Unassign(ctx context.Context, r accounts.UnassignIdentityRequest) error {
	return s.onMember(ctx, r.Actor, r.Member, func(ctx context.Context, c *change, target store.Member) error {
		dropped, err := store.DropIdentitiesOf(ctx, c.tx, c.id(), target.User.ID, r.Provider)
		if err != nil {
			return err
		}
		if dropped == 0 {
			return fault.New(fault.NotFound, "")
		}
		return c.record(ctx, store.IdentityUnassigned, target.User.ID, map[string]any{"provider": r.Provider})
	})
}

// onMember is inHub for administrators, about a member with no higher role.
func (s *SignIns) onMember(ctx context.Context, a api.Actor, ref api.Ref, fn func(context.Context, *change, store.Member) error) error {
	return s.inHub(ctx, a, accounts.RoleAdministrator, func(ctx context.Context, c *change) error {
		target, err := store.MemberByRef(ctx, c.tx, c.id(), ref)
		if err != nil {
			return orNotFound(err)
		}
		if target.Role > c.who.Role {
			return fault.New(fault.Forbidden, "")
		}
		return fn(ctx, c, target)
	})
}
