package hub

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// The most that can be set.
const (
	maxPasswordAge  = 3650 // days
	maxSessionLimit = 1000
)

// Update changes what the actor's role in the hub allows.
func (h *Hubs) Update(ctx context.Context, r accounts.UpdateHubRequest) (accounts.HubMembership, error) {
	if err := check(&r); err != nil {
		return accounts.HubMembership{}, err
	}
	var updated store.Membership
	err := h.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if updated, err = h.lock(ctx, tx, r); err != nil {
			return err
		}
		if r.Revision != nil && !r.Revision.Equal(updated.Hub.ModifiedTime) {
			return fault.New(fault.Conflict, "fault.modified")
		}
		fields := apply(r, &updated.Hub)
		if len(fields) == 0 {
			return nil
		}
		now := h.o.Clock.Now()
		if err := store.UpdateSettings(ctx, tx, updated.Hub, store.Later(now, updated.Hub.ModifiedTime)); err != nil {
			return err
		}
		if updated, err = store.MembershipIn(ctx, tx, r.Actor.User, updated.Hub.ID); err != nil {
			return err
		}
		return record(ctx, tx, store.HubUpdated, r.Actor, updated.Hub.ID, map[string]any{"fields": fields}, now)
	})
	if err != nil {
		return accounts.HubMembership{}, err
	}
	return shown(updated), nil
}

func check(r *accounts.UpdateHubRequest) error {
	var v fault.Violations
	if r.Name != nil {
		name := input.Name(&v, "name", *r.Name)
		r.Name = &name
	}
	between := func(field string, value *int, least, most int) {
		if value != nil && (*value < least || *value > most) {
			v.Add(field, "validation.between", "Min", least, "Max", most)
		}
	}
	between("password_age", r.PasswordAge, 0, maxPasswordAge)
	between("session_limit", r.SessionLimit, 0, maxSessionLimit)
	between("login_confirmation_channel", (*int)(r.LoginConfirmationChannel), int(accounts.ChannelEmail), int(accounts.ChannelApp))
	return v.Err()
}

// lock keeps the hub, and with it the actor's role, which has to suffice. What
// the hub demands of logins changes only from inside.
func (h *Hubs) lock(ctx context.Context, tx *db.Tx, r accounts.UpdateHubRequest) (store.Membership, error) {
	m, err := find(ctx, tx, r.Actor, r.Hub)
	if err != nil {
		return m, err
	}
	if _, err := store.LockHub(ctx, tx, m.Hub.ID); err != nil {
		return m, err
	}
	if _, err := directory.ActingUser(ctx, tx, r.Actor); err != nil {
		return m, err
	}
	if m, err = find(ctx, tx, r.Actor, r.Hub); err != nil {
		return m, err
	}
	now := h.o.Clock.Now()
	if err := directory.Entry(m, now); err != nil {
		return m, err
	}
	if err := directory.StillActs(ctx, tx, r.Actor, m, now); err != nil {
		return m, err
	}
	return m, mayUpdate(r, m)
}

// mayUpdate is Forbidden if the role does not suffice for what is given.
func mayUpdate(r accounts.UpdateHubRequest, m store.Membership) error {
	security := r.LoginConfirmation != nil || r.LoginConfirmationChannel != nil || r.PasswordAge != nil ||
		r.SessionLimit != nil || r.RecoveryApproval != nil
	least := accounts.RoleAdministrator
	if security {
		least = accounts.RoleTechnicalAdministrator
	}
	switch inside := r.Actor.Hub != nil && *r.Actor.Hub == m.Hub.ID; {
	case m.Role < least:
		return fault.New(fault.Forbidden, "")
	case security && !inside:
		// Else a login that never met what the hub demands could take it back.
		return fault.New(fault.Forbidden, "fault.hub_required")
	}
	return nil
}

// apply makes the changes and tells which fields are different for it.
func apply(r accounts.UpdateHubRequest, h *accounts.Hub) (fields []string) {
	s := &h.Settings
	set(&fields, "name", &h.Name, r.Name)
	set(&fields, "program_level", &s.ProgramLevel, r.ProgramLevel)
	set(&fields, "login_confirmation", &s.LoginConfirmation, r.LoginConfirmation)
	set(&fields, "login_confirmation_channel", &s.LoginConfirmationChannel, (*int)(r.LoginConfirmationChannel))
	set(&fields, "office_preview", &s.OfficePreview, r.OfficePreview)
	set(&fields, "pdf_preview", &s.PDFPreview, r.PDFPreview)
	set(&fields, "support", &s.Support, r.Support)
	set(&fields, "password_age", &s.PasswordAge, r.PasswordAge)
	set(&fields, "session_limit", &s.SessionLimit, r.SessionLimit)
	set(&fields, "recovery_approval", &h.Policies.RecoveryApproval, r.RecoveryApproval)
	return fields
}

func set[T comparable](fields *[]string, name string, to, value *T) {
	if value != nil && *value != *to {
		*to = *value
		*fields = append(*fields, name)
	}
}

// SetPlan changes a hub on behalf of the operator.
func (h *Hubs) SetPlan(ctx context.Context, r accounts.SetPlanRequest) (accounts.Hub, error) {
	if err := checkPlan(r); err != nil {
		return accounts.Hub{}, err
	}
	var hub accounts.Hub
	err := h.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if hub, err = store.HubByHash(ctx, tx, r.Hub); err != nil {
			return orNotFound(err)
		}
		if _, err := store.LockHub(ctx, tx, hub.ID); err != nil {
			return err
		}
		if hub, err = store.HubByHash(ctx, tx, r.Hub); err != nil {
			return orNotFound(err)
		}
		now := h.o.Clock.Now()
		plan, fields := planned(r, hub)
		if err := store.UpdatePlan(ctx, tx, hub.ID, plan, store.Later(now, hub.ModifiedTime)); err != nil {
			return err
		}
		if hub, err = store.HubByHash(ctx, tx, r.Hub); err != nil {
			return err
		}
		return store.Record(ctx, tx, store.Event{
			Kind: store.HubPlanChanged, Hub: &hub.ID, Actor: store.ActorOperator, Time: now, Detail: map[string]any{"fields": fields},
		})
	})
	if err != nil {
		return accounts.Hub{}, err
	}
	return hub, nil
}
