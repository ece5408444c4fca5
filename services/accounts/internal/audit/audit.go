// Package audit shows the audit record, and takes the events of other services
// into it.
package audit

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// readers is who may see a hub's events.
const readers = accounts.RoleAdministrator

// kindOrPrefix is what a kind, or its beginning up to a dot, looks like.
var kindOrPrefix = regexp.MustCompile(`^[a-z_]{1,64}\.[a-z_]{0,64}$`)

// Options are what an Audit needs.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Clock  clockwork.Clock
}

// Audit is the audit record.
type Audit struct{ o Options }

// New makes an Audit.
func New(o Options) *Audit { return &Audit{o} }

// List lists events, newest first: the actor's own, or the hub's for its
// administrators.
func (a *Audit) List(ctx context.Context, r accounts.ListEventsRequest) (accounts.EventList, error) {
	filter := store.EventFilter{Kind: r.Kind, From: r.From, To: r.To, Before: r.Before}
	known := store.People
	var user *int64
	var err error
	if r.Own {
		if err := r.Actor.AsSelf(); err != nil { // it is about all hubs
			return accounts.EventList{}, err
		}
		filter.Own = r.Actor.User
		user, err = a.userAsUser(ctx, r)
	} else {
		if err := a.mayRead(ctx, r.Actor); err != nil {
			return accounts.EventList{}, err
		}
		hub := *r.Actor.Hub
		filter.Hub, filter.Reader, filter.Role = hub, r.Actor.User, readers
		known = func(ctx context.Context, q db.Queryer, users []int64) (map[int64]accounts.Person, error) {
			return store.PeopleOfHub(ctx, q, hub, users)
		}
		user, err = a.userAsHub(ctx, hub, r)
	}
	if err != nil {
		return accounts.EventList{}, err
	}
	if r.User != nil && user == nil || r.Kind != "" && !kindOrPrefix.MatchString(r.Kind) {
		return accounts.EventList{Events: []accounts.Event{}}, nil // there are none of such a user or kind
	}
	if user != nil {
		filter.User = *user
	}
	return a.list(ctx, filter, sane(r.Page), known)
}

// list lists what the filter leaves.
func (a *Audit) list(
	ctx context.Context, filter store.EventFilter, page api.Page,
	known func(context.Context, db.Queryer, []int64) (map[int64]accounts.Person, error),
) (accounts.EventList, error) {
	list, offset := accounts.EventList{Events: []accounts.Event{}}, 0
	if filter.Before == 0 {
		offset = page.Offset()
		var err error
		if list.Total, err = store.CountEvents(ctx, a.o.DB, filter); err != nil {
			return accounts.EventList{}, err
		}
	}
	events, err := store.ListEvents(ctx, a.o.DB, filter, offset, page.Size)
	if err != nil {
		return accounts.EventList{}, err
	}
	people, err := known(ctx, a.o.DB, mentioned(events))
	if err != nil {
		return accounts.EventList{}, err
	}
	for _, e := range events {
		list.Events = append(list.Events, shown(e, people))
	}
	return list, nil
}

// mayRead tells why the actor may not see the hub's events. That there are none
// for such actors is up to the statement that lists them.
func (a *Audit) mayRead(ctx context.Context, actor api.Actor) error {
	if actor.Hub == nil {
		return fault.New(fault.Forbidden, "fault.hub_required")
	}
	m, err := store.MembershipIn(ctx, a.o.DB, actor.User, *actor.Hub)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return fault.New(fault.Forbidden, "")
	case err != nil:
		return err
	case m.Role < readers:
		return fault.New(fault.Forbidden, "")
	}
	now := a.o.Clock.Now()
	if err := directory.Entry(m, now); err != nil {
		return err
	}
	return directory.StillActs(ctx, a.o.DB, actor, m, now)
}

// userAsUser is whom a filter means in a list of one's own: oneself, or nobody.
func (a *Audit) userAsUser(ctx context.Context, r accounts.ListEventsRequest) (*int64, error) {
	if r.User == nil {
		return nil, nil
	}
	self, err := store.UserByID(ctx, a.o.DB, r.Actor.User)
	if errors.Is(err, db.ErrNoRows) || err == nil && r.User.ID != self.ID && r.User.Hash != self.Hash {
		return nil, nil
	}
	return &self.ID, err
}

// userAsHub is whom a filter means in a list of a hub's.
func (a *Audit) userAsHub(ctx context.Context, hub int64, r accounts.ListEventsRequest) (*int64, error) {
	if r.User == nil {
		return nil, nil
	}
	user, err := store.UserInHub(ctx, a.o.DB, hub, *r.User)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return &user, err
}

// sane is the page within its bounds.
func sane(p api.Page) api.Page {
	if p.Size < 1 {
		p.Size = api.DefaultPageSize
	}
	return api.Page{Number: max(p.Number, 1), Size: min(p.Size, api.MaxPageSize)}
}

// mentioned are the users that the events name, each once.
func mentioned(events []store.RecordedEvent) (users []int64) {
	for _, e := range events {
		for _, user := range []*int64{e.User, e.ActorID, e.Impersonator} {
			if user != nil {
				users = append(users, *user)
			}
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

func shown(e store.RecordedEvent, people map[int64]accounts.Person) accounts.Event {
	person := func(user *int64) *accounts.Person {
		if user == nil {
			return nil
		}
		if p, ok := people[*user]; ok {
			return &p
		}
		return nil // the account is deleted, or the hub does not know whose it is
	}
	return accounts.Event{
		ID: e.ID, Kind: string(e.Kind), User: person(e.User), Hub: e.Hub, Actor: string(e.Actor),
		ActorUser: person(e.ActorID), Impersonator: person(e.Impersonator),
		Address: e.Origin.Address, UserAgent: e.Origin.UserAgent, Detail: e.Detail, CreatedTime: e.Time,
	}
}
