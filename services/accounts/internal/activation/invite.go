package activation

import (
	"context"
	"errors"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Invite makes a link on behalf of the operator, who may hand it over in any
// way. Conflict if the address belongs to somebody who is no newcomer.
func (f *Flow) Invite(ctx context.Context, r accounts.InviteRequest) (accounts.Invitation, error) {
	var v fault.Violations
	a := store.Activation{
		Kind:      accounts.LinkInvitation,
		FirstName: input.OptionalName(&v, "first_name", r.FirstName),
		LastName:  input.OptionalName(&v, "last_name", r.LastName),
		Language:  r.Language,
		Role:      invitedRole(&v, r),
	}
	email := input.RequiredEmail(&v, "email", r.Email)
	input.Language(&v, "language", r.Language)
	if err := v.Err(); err != nil {
		return accounts.Invitation{}, err
	}

	l := f.newLink(f.o.InvitationLife)
	var invitation accounts.Invitation
	err := f.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		hub, err := hubToJoin(ctx, tx, r.Hub)
		if err != nil {
			return err
		}
		if hub != nil {
			a.Hub = &hub.ID
		}
		user, err := f.Person(ctx, tx, email, a.Language, l.now)
		if err != nil {
			return err
		}
		added, err := f.add(ctx, tx, user.ID, a, l)
		if err != nil {
			return err
		}
		if !added {
			return fault.New(fault.Conflict, "")
		}
		if hub != nil {
			// Whoever the hub has listed already gets the role that they are invited for.
			if err := store.SetInvitedRole(ctx, tx, hub.ID, user.ID, a.Role, l.now); err != nil {
				return err
			}
		}
		invitation = accounts.Invitation{User: shown(user, a), URL: l.url}
		tx.OnCommit(func() { f.o.Metrics.Activation(metrics.ActivationInvited, 1) })
		err = store.Record(ctx, tx, store.Event{
			Kind: store.InvitationCreated, User: &user.ID, Hub: a.Hub, Actor: store.ActorOperator, Time: l.now,
			Detail: map[string]any{"role": a.Role, "mail": r.Mail, "caller": rpc.Caller(ctx)},
		})
		if err != nil || !r.Mail {
			return err
		}
		return f.post(ctx, tx, mail.Invitation, user, a.Language, l, hubName(hub))
	})
	if err != nil {
		return accounts.Invitation{}, err
	}
	return invitation, nil
}

// invitedRole is the role in the hub to join: a user's unless the invitation
// says otherwise. Who creates a hub owns it.
func invitedRole(v *fault.Violations, r accounts.InviteRequest) accounts.Role {
	switch {
	case r.Role < accounts.RoleNone || r.Role > accounts.RoleOwner:
		v.Add("role", "validation.one_of", "Values", "1, 2, 3, 4, 5")
		return accounts.RoleNone
	case r.Hub == "":
		return accounts.RoleOwner
	case r.Role == accounts.RoleNone:
		return accounts.RoleUser
	default:
		return r.Role
	}
}

// hubToJoin is nil if hash is empty.
func hubToJoin(ctx context.Context, tx *db.Tx, hash string) (*accounts.Hub, error) {
	if hash == "" {
		return nil, nil //nolint:nilnil // no hub is a valid answer, see above
	}
	if !ids.Valid(hash) {
		return nil, fault.New(fault.NotFound, "")
	}
	hub, err := store.HubByHash(ctx, tx, hash)
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "")
	}
	return &hub, err
}

func hubName(hub *accounts.Hub) string {
	if hub == nil {
		return ""
	}
	return hub.Name
}

// InviteMember mails an invitation to a hub to somebody it lists, with a link
// that takes the place of those before. Whoever has an account gets the same mail
// in their own language; whoever's is disabled gets none, at the same expense.
func (f *Flow) InviteMember(ctx context.Context, tx *db.Tx, m store.Member, hub accounts.Hub) error {
	l := f.newLink(f.o.InvitationLife)
	if err := store.RevokeInvitations(ctx, tx, m.Hub, m.User.ID, l.now); err != nil {
		return err
	}
	err := store.InsertInvitation(ctx, tx, store.Activation{
		Hash: ids.New(), User: m.User.ID, FirstName: m.FirstName, LastName: m.LastName, Language: m.Language,
		Hub: &m.Hub, Role: m.Role,
	}, l.digest, l.now, l.ends)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { f.o.Metrics.Activation(metrics.ActivationInvited, 1) })
	language := m.Language
	if m.User.Status == accounts.Active {
		language = m.User.Language
	}
	mailed := letter(mail.Invitation, m.User, language, l, hub.Name)
	if m.User.Status == accounts.Disabled {
		return relay.PostNothing(ctx, f.o.Outbox, tx, mailed)
	}
	return relay.Post(ctx, f.o.Outbox, tx, mailed)
}
