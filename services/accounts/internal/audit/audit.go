// Package audit shows the audit record, and takes the events of other services
// into it.
package audit

import (
	"context"
	"regexp"
	"slices"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
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
	filter := store.EventFilter{Kind: r.Kind, User: r.User, From: r.From, To: r.To, Before: r.Before}
	hub := int64(0)
	if r.Own {
		filter.Own = r.Actor.User
	} else {
		if err := a.mayRead(ctx, r.Actor); err != nil {
			return accounts.EventList{}, err
		}
		hub = *r.Actor.Hub
		filter.Hub, filter.Reader, filter.Role = hub, r.Actor.User, readers
	}
	list := accounts.EventList{Events: []accounts.Event{}}
	if r.Kind != "" && !kindOrPrefix.MatchString(r.Kind) {
		return list, nil // no event has such a kind
	}
	page, offset := sane(r.Page), 0
	if r.Before == 0 {
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
	people, err := store.People(ctx, a.o.DB, hub, mentioned(events))
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
	memberships, err := store.MembershipsOf(ctx, a.o.DB, actor.User)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		if m.Hub.ID == *actor.Hub && m.Role >= readers {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "")
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
		return nil // the account is deleted
	}
	return accounts.Event{
		ID: e.ID, Kind: string(e.Kind), User: person(e.User), Hub: e.Hub, Actor: string(e.Actor),
		ActorUser: person(e.ActorID), Impersonator: person(e.Impersonator),
		Address: e.Origin.Address, UserAgent: e.Origin.UserAgent, Detail: e.Detail, CreatedTime: e.Time,
	}
}
