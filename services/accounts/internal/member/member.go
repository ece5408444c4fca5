// Package member keeps the people of hubs.
//
// Whoever is listed in a hub has joined it, or not yet: then the hub sees what
// its administrators have written down and nothing of the account, not even
// whether there was one before. An account can be in many hubs.
//
// All changes to a hub's members happen under a lock of the hub's row, so the
// actor's role and that the hub has an owner are looked up once. Rows are taken
// in one order: hub, user, activations, membership.
package member

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/activation"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/throttle"
)

// Options are what Members need; all are required.
type Options struct {
	DB         *db.DB
	Outbox     *outbox.Outbox
	Clock      clockwork.Clock
	Activation *activation.Flow
	// Confirm checks the actor's password, which is in the field, and gives the hash
	// that it was checked against.
	Confirm func(ctx context.Context, a api.Actor, field, password string) (hash string, err error)
	// Throttle counts the failed logins of members.
	Throttle *throttle.Throttle
	// Profile reads what a user says of themselves.
	Profile func(context.Context, db.Queryer, store.User) (accounts.Profile, error)
	// PublicURL is the origin of links, without a slash at its end.
	PublicURL string
	// InvitationLife is how long an invitation waits before it is mailed again.
	InvitationLife time.Duration
	// FinishWindow is how long an opened link can be used.
	FinishWindow time.Duration
}

// Members keeps the people of hubs.
type Members struct{ o Options }

// New makes Members.
func New(o Options) *Members { return &Members{o} }

// change is a change to a member of the actor's hub while it is made.
type change struct {
	tx    *db.Tx
	actor api.Actor
	now   time.Time
	// hub is the actor's, and who the actor as a member of it.
	hub store.Membership
	who store.Member
	// target is whom the change is about.
	target store.Member
}

// inHub runs fn with the actor's hub locked. Forbidden if the actor has less
// than the role.
func (m *Members) inHub(ctx context.Context, a api.Actor, least accounts.Role, fn func(context.Context, *change) error) error {
	return m.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		c := &change{tx: tx, actor: a, now: m.o.Clock.Now()}
		if a.Hub != nil {
			if _, err := store.LockHub(ctx, tx, *a.Hub); err != nil {
				return err
			}
		}
		if c.who, c.hub, err = directory.Acting(ctx, tx, a, c.now); err != nil {
			return err
		}
		if c.who.Role < least {
			return forbidden()
		}
		return fn(ctx, c)
	})
}

// onMember is inHub with the member as the target. Forbidden if the target has
// a higher role than the actor.
func (m *Members) onMember(ctx context.Context, r accounts.MemberRequest, least accounts.Role, fn func(context.Context, *change) error) error {
	return m.inHub(ctx, r.Actor, least, func(ctx context.Context, c *change) (err error) {
		if c.target, err = store.MemberByRef(ctx, c.tx, c.hub.Hub.ID, r.Member); err != nil {
			return orNotFound(err)
		}
		if c.target.Role > c.who.Role {
			return forbidden()
		}
		return fn(ctx, c)
	})
}

// themselves tells whether the target is the actor.
func (c *change) themselves() bool { return c.target.User.ID == c.who.User.ID }

// reload is the target as it is by now.
func (c *change) reload(ctx context.Context) (err error) {
	c.target, err = store.MemberOf(ctx, c.tx, c.target.Hub, c.target.User.ID)
	return err
}

func (c *change) record(ctx context.Context, kind store.EventKind, detail map[string]any) error {
	e := store.Did(kind, c.actor, c.now)
	e.User, e.Detail = &c.target.User.ID, detail
	return store.Record(ctx, c.tx, e)
}

// keepOwner is a Conflict if the hub has no active owner but the target.
func (c *change) keepOwner(ctx context.Context) error {
	if c.target.Role < accounts.RoleOwner || !c.target.Joined() {
		return nil
	}
	other, err := store.OtherOwner(ctx, c.tx, c.target.Hub, c.target.User.ID)
	if err == nil && !other {
		err = fault.New(fault.Conflict, "fault.last_owner")
	}
	return err
}

// endSessions ends the target's sessions in the hub.
func (m *Members) endSessions(ctx context.Context, c *change) error {
	return relay.EndSessions(ctx, m.o.Outbox, c.tx, sessions.EndAllRequest{
		User: c.target.User.ID, UserHash: c.target.User.Hash, Hub: &c.target.Hub, Before: c.now,
	})
}

// tell mails the target a notice, if they have an account that the hub knows of.
func (m *Members) tell(ctx context.Context, c *change, event mail.Event) error {
	if !c.target.Joined() {
		return nil
	}
	return notice.Send(ctx, m.o.Outbox, c.tx, c.target.User, notice.Notice{
		Event: event, Origin: c.actor.Origin, Time: c.now, Subject: c.hub.Hub.Name,
	})
}

// shown is the member as the hub sees it.
func shown(m store.Member) accounts.Member {
	user := m.User.User
	if !m.Joined() {
		user = accounts.User{
			ID: m.Number, Hash: m.Hash, FirstName: m.FirstName, LastName: m.LastName, Email: m.Email,
			Status: accounts.Invited, Language: m.Language, Locale: int(m.Language), Statefulness: true,
			PasswordType: accounts.PasswordInitial, CreatedTime: m.CreatedTime, ModifiedTime: m.ModifiedTime,
		}
	}
	return accounts.Member{
		User: user, Role: m.Role, Impersonation: m.Impersonation, JoinedTime: m.JoinedTime, InvitedTime: m.InvitedTime,
		CreatedTime: m.CreatedTime, ModifiedTime: m.Revision(),
	}
}

// alone is a user without a hub.
func alone(u store.User) accounts.Member {
	return accounts.Member{User: u.User, CreatedTime: u.CreatedTime, ModifiedTime: u.ModifiedTime}
}

func forbidden() error { return fault.New(fault.Forbidden, "") }

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.NotFound, "")
	}
	return err
}
