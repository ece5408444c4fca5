package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// recognise links an identity that is new to whom somebody has said that its
// address is:
//
//   - the administrators of the hub, of this address (assigned) or of its domain,
//     for their hub alone;
//   - the operator, of all that the provider says, if the settings do
//     (link_by_email).
//
// The address has to be verified by a provider who is trusted with that, and the
// user must not have another identity there: an address outlives whom it was
// given to, and a new subject with it is somebody else.
func (i *Identities) recognise(ctx context.Context, u accounts.UpstreamIdentity) (found accounts.Identity, _ error) {
	email, err := input.ParseEmail(u.Email)
	if err != nil || !u.EmailTrusted {
		return accounts.Identity{}, errUnknown
	}
	err = i.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := i.o.Clock.Now()
		by, user, err := i.vouched(ctx, tx, u, email)
		if err != nil {
			return err
		}
		scoped := u
		if by != byOperator {
			scoped.Hub = realmOf(u)
		}
		if user, err = store.HoldUser(ctx, tx, user.ID); err != nil {
			return err
		}
		has, err := store.HasIdentity(ctx, tx, user.ID, scoped.Issuer, scoped.Hub)
		if err != nil {
			return err
		}
		if has || user.Status != accounts.Active {
			return errUnknown
		}
		linked, err := store.InsertIdentity(ctx, tx, user.ID, scoped, linkings[by], now)
		if err != nil { // ErrNoRows: another request was faster, and finds it next time
			return err
		}
		if found, err = identify(ctx, tx, u, linked, now); err != nil {
			return err
		}
		return i.tellRecognised(ctx, tx, user, u, linked, by, now)
	})
	return found, err
}

// reason is who has said whose an address is.
type reason string

const (
	byAssignment reason = "assignment"
	byDomain     reason = "domain"
	byOperator   reason = "email"
)

// linkings are what becomes of the reasons. The operator's word is as good as the
// user's own.
var linkings = map[reason]store.Linking{
	byAssignment: store.ByAssignment, byDomain: store.ByAddress, byOperator: store.InPerson,
}

// vouched is whose the address is, and who says so; errUnknown or
// [db.ErrNoRows] if nobody.
func (i *Identities) vouched(ctx context.Context, tx *db.Tx, u accounts.UpstreamIdentity, email input.Email) (reason, store.User, error) {
	if hub := realmOf(u); hub != nil {
		by, user, err := vouchedBy(ctx, tx, u, *hub, email)
		if u.Hub != nil || err == nil || !errors.Is(err, errUnknown) && !errors.Is(err, db.ErrNoRows) {
			return by, user, err
		}
	}
	if u.Hub != nil || !u.LinkByEmail {
		return "", store.User{}, errUnknown
	}
	user, err := store.UserByEmail(ctx, tx, email.Key)
	if err == nil && !user.EmailVerified {
		err = errUnknown
	}
	return byOperator, user, err
}

// vouchedBy is vouched by a hub. By an address alone nobody becomes somebody who
// administers anything: whoever runs the provider can give any address to
// anybody. Administrators link their identities in person, or have them assigned
// one by one.
func vouchedBy(ctx context.Context, tx *db.Tx, u accounts.UpstreamIdentity, hub int64, email input.Email) (reason, store.User, error) {
	s, err := inForce(ctx, tx, hub, u)
	if err != nil {
		return "", store.User{}, err
	}
	if s.Mode == accounts.SignInOptional {
		return "", store.User{}, errUnknown
	}
	by := byAssignment
	assigned, err := store.AssignedTo(ctx, tx, hub, u.Provider, email.Key)
	user := store.User{}
	switch _, domain, _ := strings.Cut(email.Key, "@"); {
	case err == nil:
		user, err = store.UserByID(ctx, tx, assigned)
	case errors.Is(err, db.ErrNoRows) && s.Mode == accounts.SignInMandatory && slices.Contains(s.Domains, domain):
		by = byDomain
		if user, err = store.UserByEmail(ctx, tx, email.Key); err == nil && !user.EmailVerified {
			err = errUnknown
		}
	}
	if err != nil {
		return "", user, err
	}
	if _, err := store.MembershipIn(ctx, tx, user.ID, hub); err != nil || by != byDomain {
		return by, user, err
	}
	administers, err := store.Administers(ctx, tx, user.ID)
	if err == nil && administers {
		err = errUnknown
	}
	return by, user, err
}

// tellRecognised records that an identity has come to be somebody's without their
// doing, and tells them.
func (i *Identities) tellRecognised(
	ctx context.Context, tx *db.Tx, user store.User, u accounts.UpstreamIdentity, l store.LinkedIdentity, by reason, now time.Time,
) error {
	if by == byAssignment {
		if err := store.Assigned(ctx, tx, *l.Hub, user.ID, l.Provider); err != nil {
			return err
		}
	}
	err := store.Record(ctx, tx, store.Event{
		Kind: store.IdentityLinked, User: &user.ID, Hub: l.Hub, Actor: store.ActorSystem, Origin: u.Origin, Time: now,
		Detail: map[string]any{"identity": l.ID, "provider": l.Provider, "by": by},
	})
	if err != nil {
		return err
	}
	return notice.Send(ctx, i.o.Outbox, tx, user, notice.Notice{Event: mail.IdentityLinked, Origin: u.Origin, Time: now, Subject: l.Provider})
}
