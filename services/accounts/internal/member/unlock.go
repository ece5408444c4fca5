package member

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// How often the lock of one account can be lifted, by whomever. A lock that any
// owner of any hub could lift at will would stop nobody who founds one.
const (
	unlockLimit  = 3
	unlockWindow = 24 * time.Hour
)

// Unlock lifts a lock, and the slow-down before it, from places that the account
// is not known to come from. The actor's own place becomes no known one of it.
func (m *Members) Unlock(ctx context.Context, r accounts.MemberRequest) error {
	if err := r.Actor.InPerson(); err != nil {
		return err
	}
	return m.onMember(ctx, r, accounts.RoleOwner, func(ctx context.Context, c *change) error {
		if !c.target.Joined() {
			return fault.New(fault.Conflict, "fault.member_not_joined")
		}
		user, err := store.HoldUser(ctx, c.tx, c.target.User.ID) // so that two at once count each other
		if err != nil {
			return err
		}
		lifted, err := store.CountAbout(ctx, c.tx, user.ID, store.LoginUnlocked, c.now.Add(-unlockWindow))
		if err != nil {
			return err
		}
		if lifted >= unlockLimit {
			return fault.New(fault.Throttled, "").After(unlockWindow)
		}
		if err := m.o.Throttle.Lift(ctx, c.tx, user, api.Origin{}); err != nil {
			return err
		}
		if err := c.record(ctx, store.LoginUnlocked, nil); err != nil {
			return err
		}
		return m.tell(ctx, c, mail.AccountUnlocked)
	})
}
