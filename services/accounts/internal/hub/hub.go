// Package hub keeps hubs: the teams of users.
package hub

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Options are what Hubs need; all are required.
type Options struct {
	DB    *db.DB
	Clock clockwork.Clock
	// PerUser is how many hubs somebody may own to create one more.
	PerUser int
}

// Hubs keeps hubs.
type Hubs struct{ o Options }

// New makes Hubs.
func New(o Options) *Hubs { return &Hubs{o} }

// List lists the hubs that the actor has joined and sees, by id. They are few, so the
// filter needs no index.
func (h *Hubs) List(ctx context.Context, r accounts.ListHubsRequest) (accounts.HubList, error) {
	var v fault.Violations
	needle := input.Needle(&v, "query", r.Query)
	input.Page(&v, r.Page)
	if r.Role != nil {
		input.Role(&v, "role", *r.Role, accounts.RoleNone)
	}
	if err := v.Err(); err != nil {
		return accounts.HubList{}, err
	}
	if _, err := directory.ActingUser(ctx, h.o.DB, r.Actor); err != nil {
		return accounts.HubList{}, err
	}
	memberships, err := store.MembershipsOf(ctx, h.o.DB, r.Actor.User)
	if err != nil {
		return accounts.HubList{}, err
	}
	matching := make([]accounts.HubMembership, 0, len(memberships))
	for _, m := range memberships {
		if sees(r.Actor, m.Hub.ID) && strings.Contains(input.Fold(m.Hub.Name), needle) && (r.Role == nil || *r.Role == m.Role) {
			matching = append(matching, shown(m))
		}
	}
	total := len(matching)
	from := min(r.Page.Offset(), total)
	return accounts.HubList{Hubs: matching[from:min(from+r.Page.Size, total)], Total: total}, nil
}

// Get gives a hub that the actor has joined and sees.
func (h *Hubs) Get(ctx context.Context, r accounts.HubRequest) (accounts.HubMembership, error) {
	if _, err := directory.ActingUser(ctx, h.o.DB, r.Actor); err != nil {
		return accounts.HubMembership{}, err
	}
	m, err := find(ctx, h.o.DB, r.Actor, r.Hub)
	return shown(m), err
}

// Create makes a hub of the actor's. The user's row is kept meanwhile, so that
// of two at once the second one counts the first. Nobody comes to own a hub by
// what somebody else does in their name.
func (h *Hubs) Create(ctx context.Context, r accounts.CreateHubRequest) (accounts.HubMembership, error) {
	if err := r.Actor.AsSelf(); err != nil {
		return accounts.HubMembership{}, err
	}
	var v fault.Violations
	name := input.Name(&v, "name", r.Name)
	if err := v.Err(); err != nil {
		return accounts.HubMembership{}, err
	}
	var created store.Membership
	err := h.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := h.o.Clock.Now()
		if _, err := store.LockUser(ctx, tx, r.Actor.User); err != nil {
			return err
		}
		user, err := directory.ActingUser(ctx, tx, r.Actor)
		if err != nil {
			return err
		}
		owned, err := store.Owned(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		if owned >= h.o.PerUser {
			return fault.New(fault.Conflict, "fault.too_many")
		}
		hub, err := store.InsertHub(ctx, tx, name, now)
		if err != nil {
			return err
		}
		if err := store.Join(ctx, tx, hub.ID, user, accounts.RoleOwner, now); err != nil {
			return err
		}
		if created, err = store.MembershipIn(ctx, tx, user.ID, hub.ID); err != nil {
			return err
		}
		return record(ctx, tx, store.HubCreated, r.Actor, hub.ID, nil, now)
	})
	if err != nil {
		return accounts.HubMembership{}, err
	}
	return shown(created), nil
}

// sees tells whether the actor may know of a hub that the user has joined: who
// acts as the user was let in by one hub, and has no business in the others.
func sees(a api.Actor, hub int64) bool { return !a.Outside(hub) }

// find is a hub of the actor's; NotFound if it is not.
func find(ctx context.Context, q db.Queryer, actor api.Actor, ref api.Ref) (store.Membership, error) {
	id := ref.ID
	if ref.Hash != "" {
		hub, err := store.HubByHash(ctx, q, ref.Hash)
		if err != nil {
			return store.Membership{}, orNotFound(err)
		}
		id = hub.ID
	}
	if !sees(actor, id) {
		return store.Membership{}, fault.New(fault.NotFound, "")
	}
	m, err := store.MembershipIn(ctx, q, actor.User, id)
	return m, orNotFound(err)
}

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.NotFound, "")
	}
	return err
}

func shown(m store.Membership) accounts.HubMembership {
	return accounts.HubMembership{Hub: m.Hub, Role: m.Role, Features: m.Features}
}

// record is about the hub, wherever the actor's session is.
func record(ctx context.Context, tx *db.Tx, kind store.EventKind, a api.Actor, hub int64, detail map[string]any, now time.Time) error {
	e := store.Did(kind, a, now)
	e.Hub, e.Detail = &hub, detail
	return store.Record(ctx, tx, e)
}
