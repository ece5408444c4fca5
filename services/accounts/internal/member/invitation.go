package member

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// maxListed is how many people a hub may list who have not joined it: they stay
	// until somebody takes them off, and anybody can have a hub.
	maxListed = 5000
	// maxOpen is how many open invitations a hub may have.
	maxOpen = 1000
	// sendLimit is how often one person can be invited to one hub within
	// sendWindow.
	sendLimit  = 5
	sendWindow = 24 * time.Hour
	// maxResends is how often an invitation is mailed again by itself.
	maxResends = 3
)

// SendInvitation invites somebody the hub lists, or invites them again.
func (m *Members) SendInvitation(ctx context.Context, r accounts.MemberRequest) (accounts.Member, error) {
	var c *change
	err := m.onMember(ctx, r, accounts.RoleAdministrator, func(ctx context.Context, in *change) error {
		c = in
		if c.target.Joined() {
			return fault.New(fault.Conflict, "fault.member_joined")
		}
		return m.send(ctx, c)
	})
	if err != nil {
		return accounts.Member{}, err
	}
	return shown(c.target), nil
}

// send mails the target an invitation, within the limits.
func (m *Members) send(ctx context.Context, c *change) error {
	if c.target.InvitedTime == nil {
		open, err := store.OpenInvitations(ctx, c.tx, c.target.Hub)
		if err != nil {
			return err
		}
		if open >= maxOpen {
			return fault.New(fault.Conflict, "fault.too_many")
		}
	}
	sent, first, err := store.InvitationsSince(ctx, c.tx, c.target.Hub, c.target.User.ID, c.now.Add(-sendWindow))
	if err != nil {
		return err
	}
	if sent >= sendLimit {
		return fault.New(fault.Throttled, "").After(first.Add(sendWindow).Sub(c.now))
	}
	if err := m.o.Activation.InviteMember(ctx, c.tx, c.target, c.hub.Hub); err != nil {
		return err
	}
	if err := store.SetInvited(ctx, c.tx, c.target, &c.now, 0, c.later()); err != nil {
		return err
	}
	if err := c.record(ctx, store.InvitationSent, nil); err != nil {
		return err
	}
	return c.reload(ctx)
}

// later is the time of a change to the target.
func (c *change) later() time.Time { return store.Later(c.now, c.target.Revision()) }

// WithdrawInvitation makes the link useless, opened or not.
func (m *Members) WithdrawInvitation(ctx context.Context, r accounts.MemberRequest) error {
	return m.onMember(ctx, r, accounts.RoleAdministrator, func(ctx context.Context, c *change) error {
		if c.target.InvitedTime == nil {
			return fault.New(fault.Conflict, "fault.no_invitation")
		}
		if err := withdraw(ctx, c); err != nil {
			return err
		}
		return c.record(ctx, store.InvitationWithdrawn, nil)
	})
}

func withdraw(ctx context.Context, c *change) error {
	if err := store.RevokeInvitations(ctx, c.tx, c.target.Hub, c.target.User.ID, c.now); err != nil {
		return err
	}
	return store.SetInvited(ctx, c.tx, c.target, nil, 0, c.later())
}

// Remind mails invitations again that nobody has accepted, and ends those that
// have been mailed often enough. It tells how many of each.
func (m *Members) Remind(ctx context.Context) (mailed, ended int64, _ error) {
	for {
		due, err := store.InvitedBefore(ctx, m.o.DB, m.o.Clock.Now().Add(-m.o.InvitationLife))
		if err != nil || len(due) == 0 {
			return mailed, ended, err
		}
		for _, d := range due {
			again, over, err := m.remind(ctx, d)
			if err != nil {
				return mailed, ended, err
			}
			if again {
				mailed++
			}
			if over {
				ended++
			}
		}
	}
}

// remind does one, unless somebody else has done it meanwhile.
func (m *Members) remind(ctx context.Context, due store.Member) (mailed, ended bool, _ error) {
	err := m.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		c := &change{tx: tx, now: m.o.Clock.Now()}
		if _, err := store.LockHub(ctx, tx, due.Hub); err != nil {
			return err
		}
		hub, err := store.HubByID(ctx, tx, due.Hub)
		if err == nil {
			c.target, err = store.MemberOf(ctx, tx, due.Hub, due.User.ID)
		}
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.target.InvitedTime == nil || c.target.InvitedTime.Add(m.o.InvitationLife).After(c.now) {
			return nil
		}
		if c.target.Resends >= maxResends {
			ended = true
			if err := withdraw(ctx, c); err != nil {
				return err
			}
			return c.recordSystem(ctx, store.InvitationWithdrawn, "never accepted")
		}
		mailed = true
		if err := m.o.Activation.InviteMember(ctx, tx, c.target, hub); err != nil {
			return err
		}
		if err := store.SetInvited(ctx, tx, c.target, &c.now, c.target.Resends+1, c.later()); err != nil {
			return err
		}
		return c.recordSystem(ctx, store.InvitationSent, "not accepted yet")
	})
	if err != nil {
		return false, false, err
	}
	return mailed, ended, nil
}

func (c *change) recordSystem(ctx context.Context, kind store.EventKind, reason string) error {
	return store.Record(ctx, c.tx, store.Event{
		Kind: kind, User: &c.target.User.ID, Hub: &c.target.Hub, Actor: store.ActorSystem, Time: c.now,
		Detail: map[string]any{"reason": reason},
	})
}
