// Package identity links users to what upstream providers know them as.
package identity

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/self"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// maxLinked is how many identities a user may have.
	maxLinked = 20
	// noteUse is how often it is written down that an identity is used.
	noteUse = 24 * time.Hour

	maxProvider = 64   // bytes
	maxIssuer   = 512  // bytes
	maxSubject  = 255  // bytes (OpenID Connect Core, section 2)
	maxShown    = 1000 // bytes of an address or a name
)

// Options are what Identities need.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Clock  clockwork.Clock
}

// Identities are users as upstream providers know them.
type Identities struct{ o Options }

// New makes Identities.
func New(o Options) *Identities { return &Identities{o} }

// Link makes it an identity of the actor's.
func (i *Identities) Link(ctx context.Context, r accounts.LinkIdentityRequest) (accounts.LinkedIdentity, error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.LinkedIdentity{}, err
	}
	u, err := clean(r.Identity)
	if err != nil {
		return accounts.LinkedIdentity{}, err
	}
	var linked store.LinkedIdentity
	now := i.o.Clock.Now()
	err = i.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := self.Hold(ctx, tx, r.Actor)
		if err != nil {
			return err
		}
		if err := mayLink(ctx, tx, r.Actor, u, now); err != nil {
			return err
		}
		all, err := store.IdentitiesOf(ctx, tx, user.ID)
		if err != nil {
			return err
		}
		if len(all) >= maxLinked {
			return fault.New(fault.Conflict, "fault.too_many")
		}
		linked, err = store.InsertIdentity(ctx, tx, user.ID, u, store.InPerson, now)
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.Conflict, "fault.identity_linked")
		}
		if err != nil {
			return err
		}
		return i.tell(ctx, tx, user, r.Actor, linked, store.IdentityLinked, mail.IdentityLinked, now)
	})
	return linked.LinkedIdentity, err
}

// LinkNew makes it an identity of somebody who becomes active in the transaction,
// by an activation that joins the hub if it is not nil.
func (i *Identities) LinkNew(ctx context.Context, tx *db.Tx, user int64, hub *int64, u accounts.UpstreamIdentity) error {
	u, err := clean(u)
	if err != nil {
		return err
	}
	if u.Hub != nil && (hub == nil || *hub != *u.Hub) {
		return fault.New(fault.Forbidden, "fault.provider_session")
	}
	if hub != nil {
		if err := notIndividual(ctx, tx, hub, u.Provider, u.Hub != nil); err != nil {
			return err
		}
	}
	if u.Hub != nil {
		_, err = inForce(ctx, tx, *u.Hub, u)
	}
	if errors.Is(err, errUnknown) || errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.NotFound, "")
	}
	if err != nil {
		return err
	}
	now := i.o.Clock.Now()
	linked, err := store.InsertIdentity(ctx, tx, user, u, store.InPerson, now)
	if errors.Is(err, db.ErrNoRows) {
		return fault.New(fault.Conflict, "fault.identity_linked")
	}
	if err != nil {
		return err
	}
	return store.Record(ctx, tx, store.Event{
		Kind: store.IdentityLinked, User: &user, Hub: hub, Actor: store.ActorUser, ActorID: &user, Origin: u.Origin, Time: now,
		Detail: map[string]any{"identity": linked.ID, "provider": linked.Provider},
	})
}

// List lists the actor's. Forbidden while somebody else acts as them: which
// accounts they have elsewhere is their own business.
func (i *Identities) List(ctx context.Context, r accounts.ActorRequest) (accounts.IdentityList, error) {
	if err := r.Actor.AsSelf(); err != nil {
		return accounts.IdentityList{}, err
	}
	linked, err := store.IdentitiesOf(ctx, i.o.DB, r.Actor.User)
	list := accounts.IdentityList{Identities: []accounts.LinkedIdentity{}}
	for _, l := range linked {
		list.Identities = append(list.Identities, l.LinkedIdentity)
	}
	return list, err
}

// Unlink removes one of the actor's, unless it is the last thing to log in
// with, or for others to decide.
func (i *Identities) Unlink(ctx context.Context, r accounts.UnlinkIdentityRequest) error {
	if err := r.Actor.InPerson(); err != nil {
		return err
	}
	now := i.o.Clock.Now()
	return i.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := self.Hold(ctx, tx, r.Actor)
		if err != nil {
			return err
		}
		unlinked, err := store.DeleteIdentity(ctx, tx, user.ID, r.Identity)
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return err
		}
		if err := mayUnlink(ctx, tx, r.Actor, unlinked); err != nil {
			return err
		}
		return i.tell(ctx, tx, user, r.Actor, unlinked, store.IdentityUnlinked, mail.IdentityUnlinked, now)
	})
}

// tell records what has happened and tells the user.
func (i *Identities) tell(
	ctx context.Context, tx *db.Tx, user store.User, a api.Actor, l store.LinkedIdentity,
	kind store.EventKind, event mail.Event, now time.Time,
) error {
	e := store.Did(kind, a, now)
	e.Detail = map[string]any{"identity": l.ID, "provider": l.Provider}
	if err := store.Record(ctx, tx, e); err != nil {
		return err
	}
	return notice.Send(ctx, i.o.Outbox, tx, user, notice.Notice{Event: event, Origin: a.Origin, Time: now, Subject: l.Provider})
}

// clean refuses what cannot be told apart for sure, and makes the rest, which
// is only shown, storable.
func clean(u accounts.UpstreamIdentity) (accounts.UpstreamIdentity, error) {
	var v fault.Violations
	for _, part := range []struct {
		field, value string
		limit        int
	}{{"provider", u.Provider, maxProvider}, {"issuer", u.Issuer, maxIssuer}, {"subject", u.Subject, maxSubject}} {
		switch {
		case part.value == "":
			v.Add(part.field, "validation.required")
		case len(part.value) > part.limit:
			v.Add(part.field, "validation.max_length", "Max", part.limit)
		case !utf8.ValidString(part.value):
			v.Add(part.field, "validation.utf8")
		case input.Clean(part.value, part.limit) != part.value:
			v.Add(part.field, "validation.control_characters")
		}
	}
	u.Email, u.Name = input.Clean(u.Email, maxShown), input.Clean(u.Name, maxShown)
	return u, v.Err()
}
