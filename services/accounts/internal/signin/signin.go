// Package signin is how hubs use upstream providers: which of them lets members
// in, and who their members are there.
//
// It is kept where admission reads it, in the same transaction, and written in the
// one that checks who may: a hub that has made a provider mandatory admits by
// nothing else from the moment in which its administrator is told so.
package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// maxSignIns is how many providers a hub may use in its own way.
const maxSignIns = 20

// Options are what SignIns need; all are required.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Clock  clockwork.Clock
}

// SignIns keep how hubs use providers.
type SignIns struct{ o Options }

// New makes SignIns.
func New(o Options) *SignIns { return &SignIns{o} }

// List lists those of a hub.
func (s *SignIns) List(ctx context.Context, r accounts.ListSignInsRequest) (accounts.SignInList, error) {
	list := accounts.SignInList{SignIns: []accounts.SignIn{}}
	if r.Actor != nil {
		who, _, err := directory.Acting(ctx, s.o.DB, *r.Actor, s.o.Clock.Now())
		if err == nil && (who.Role < accounts.RoleTechnicalAdministrator || who.Hub != r.Hub) {
			err = fault.New(fault.Forbidden, "")
		}
		if err != nil {
			return list, err
		}
	}
	list.Hub = r.Hub
	if r.Actor == nil && r.Hash != "" {
		hub, err := store.HubByHash(ctx, s.o.DB, r.Hash)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return list, err
		}
		list.Hub = hub.ID // 0 is none's: what there is not looks like what uses nothing
	}
	all, err := store.SignInsOf(ctx, s.o.DB, list.Hub)
	list.SignIns = append(list.SignIns, all...)
	return list, err
}

// change is a change to a hub while it is made.
type change struct {
	tx    *db.Tx
	actor api.Actor
	hub   store.Membership
	who   store.Member
	now   time.Time
}

// inHub runs fn with the actor's hub locked. Forbidden if the actor has less
// than the role, or is not there.
func (s *SignIns) inHub(ctx context.Context, a api.Actor, least accounts.Role, fn func(context.Context, *change) error) error {
	if err := a.Present(); err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		c := &change{tx: tx, actor: a, now: s.o.Clock.Now()}
		if a.Hub != nil {
			if _, err := store.LockHub(ctx, tx, *a.Hub); err != nil {
				return err
			}
		}
		if c.who, c.hub, err = directory.Acting(ctx, tx, a, c.now); err != nil {
			return err
		}
		if c.who.Role < least {
			return fault.New(fault.Forbidden, "")
		}
		return fn(ctx, c)
	})
}

func (c *change) id() int64 { return c.hub.Hub.ID }

func (c *change) record(ctx context.Context, kind store.EventKind, user int64, detail map[string]any) error {
	e := store.Did(kind, c.actor, c.now)
	e.User, e.Detail = &user, detail
	return store.Record(ctx, c.tx, e)
}

// Set adds one or changes it. What counted for the hub by another provider under
// the same name is gone then.
func (s *SignIns) Set(ctx context.Context, r accounts.SetSignInRequest) (set accounts.SignIn, _ error) {
	if err := check(r.SignIn); err != nil {
		return set, err
	}
	err := s.inHub(ctx, r.Actor, accounts.RoleTechnicalAdministrator, func(ctx context.Context, c *change) error {
		all, err := store.SignInsOf(ctx, c.tx, c.id())
		if err != nil {
			return err
		}
		before := slices.IndexFunc(all, func(s accounts.SignIn) bool { return s.Provider == r.SignIn.Provider })
		switch {
		case before < 0 && len(all) >= maxSignIns:
			return fault.New(fault.Conflict, "fault.too_many")
		case before >= 0 && (all[before].Own != r.SignIn.Own || all[before].Issuer != r.SignIn.Issuer):
			if err := s.drop(ctx, c, r.SignIn.Provider); err != nil {
				return err
			}
		}
		set, err = store.PutSignIn(ctx, c.tx, c.id(), r.SignIn, c.now)
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.Conflict, "fault.modified")
		}
		if err != nil {
			return err
		}
		return c.record(ctx, store.ProviderSet, c.actor.User, map[string]any{
			"provider": set.Provider, "mode": set.Mode, "own": set.Own, "issuer": set.Issuer,
		})
	})
	return set, err
}

func check(s accounts.SignIn) error {
	var v fault.Violations
	if s.Provider == "" {
		v.Add("provider", "validation.required")
	}
	if !slices.Contains([]accounts.SignInMode{accounts.SignInOptional, accounts.SignInIndividual, accounts.SignInMandatory}, s.Mode) {
		v.Add("mode", "validation.one_of", "Values", "optional, individual, mandatory")
	}
	return v.Err()
}

// Remove takes one from the actor's hub.
func (s *SignIns) Remove(ctx context.Context, r accounts.SignInRequest) error {
	return s.inHub(ctx, r.Actor, accounts.RoleTechnicalAdministrator, func(ctx context.Context, c *change) error {
		found, err := store.DeleteSignIn(ctx, c.tx, c.id(), r.Provider)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.NotFound, "")
		}
		if err := s.drop(ctx, c, r.Provider); err != nil {
			return err
		}
		return c.record(ctx, store.ProviderRemoved, c.actor.User, map[string]any{"provider": r.Provider})
	})
}

// drop removes what counts for the hub alone, and ends the sessions in the hub of
// all who had it, as some of them may have been opened by it.
func (s *SignIns) drop(ctx context.Context, c *change, provider string) error {
	users, err := store.DropIdentities(ctx, c.tx, c.id(), provider)
	if err != nil {
		return err
	}
	slices.Sort(users)
	for _, user := range slices.Compact(users) {
		hub := c.id()
		err := relay.EndSessions(ctx, s.o.Outbox, c.tx, sessions.EndAllRequest{
			User: user, Hub: &hub, Before: c.now, Except: except(c.actor, user),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// except is the actor's own session, unless it rests on a hub's word as well.
func except(a api.Actor, user int64) *int64 {
	if a.User != user || a.ProviderHub != nil {
		return nil
	}
	return &a.Session
}

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.NotFound, "")
	}
	return err
}
