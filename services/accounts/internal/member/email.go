package member

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// emailLinkLife is how long a link to a new address may wait to be opened.
	emailLinkLife = 24 * time.Hour
	// emailLimit is how many mails to new addresses somebody can make within
	// emailWindow.
	emailLimit  = 3
	emailWindow = time.Hour
)

// askForEmail mails a link to the new address. If that is somebody's, they are
// told so instead, at the same expense: the actor does not learn it. Nor do they
// that they have asked too often. The user must be locked, and hash is what the
// password was checked against.
func (m *Members) askForEmail(ctx context.Context, tx *db.Tx, a api.Actor, email input.Email, hash string) error {
	now := m.o.Clock.Now()
	user, err := store.UserByID(ctx, tx, a.User)
	if err != nil {
		return err
	}
	current, err := store.CredentialOf(ctx, tx, a.User)
	if err != nil {
		return err
	}
	if current != hash {
		return fault.Field("current_password", "validation.wrong_password")
	}
	holder, err := store.UserByEmail(ctx, tx, email.Key)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return err
	}
	asked, err := store.CountEmailChanges(ctx, tx, a.User, now.Add(-emailWindow))
	if err != nil {
		return err
	}
	if asked >= emailLimit {
		return relay.PostNothing(ctx, m.o.Outbox, tx, m.exists(holder))
	}
	secret, ends := ids.New(), now.Add(emailLinkLife)
	change := store.EmailChange{Address: email.Address, Key: email.Key, OldKey: emailKey(user)}
	if err := store.InsertLink(ctx, tx, store.EmailLink, user.ID, ids.Digest(secret), change, now, ends); err != nil {
		return err
	}
	if err := store.Record(ctx, tx, store.Did(store.EmailChangeAsked, a, now)); err != nil {
		return err
	}
	switch {
	case holder.ID == 0, holder.ID == user.ID, holder.Status == accounts.Invited:
		return relay.Post(ctx, m.o.Outbox, tx, relay.Mail{
			Request: mail.SendRequest{
				Key: "email_change/" + ids.New(), Template: mail.EmailChange, To: email.Address, Language: int(user.Language),
				Data: map[string]string{"url": m.o.PublicURL + "/link/" + secret},
			},
			Expires: ends,
		})
	case holder.Status == accounts.Active:
		return relay.Post(ctx, m.o.Outbox, tx, m.exists(holder))
	default:
		return relay.PostNothing(ctx, m.o.Outbox, tx, m.exists(holder))
	}
}

// exists tells the owner of an address that somebody wanted to have it.
func (m *Members) exists(holder store.User) relay.Mail {
	return relay.Mail{Request: mail.SendRequest{
		Key: "account_exists/" + ids.New(), Template: mail.AccountExists, To: holder.Email, Language: int(holder.Language),
		Data: map[string]string{"url": m.o.PublicURL + "/login"},
	}}
}

// emailKey is the key of the user's address.
func emailKey(u store.User) string {
	parsed, err := input.ParseEmail(u.Email)
	if err != nil {
		return "" // cannot be: only such addresses are stored
	}
	return parsed.Key
}

// ConfirmEmail makes the address of the user's opened link theirs. What was
// mailed to the old address is void, codes and what was confirmed by it included; invitations to hubs that were meant for the
// new one are theirs from now on.
func (m *Members) ConfirmEmail(ctx context.Context, r accounts.ConfirmLinkRequest) error {
	err := m.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return m.confirmEmail(ctx, tx, r) })
	if db.IsUnique(err) { // somebody was faster
		return fault.New(fault.Conflict, "")
	}
	return err
}

func (m *Members) confirmEmail(ctx context.Context, tx *db.Tx, r accounts.ConfirmLinkRequest) error {
	now := m.o.Clock.Now()
	active, err := store.LockUser(ctx, tx, r.User)
	if err == nil && !active {
		err = fault.New(fault.NotFound, "")
	}
	if err != nil {
		return err
	}
	user, err := store.UserByID(ctx, tx, r.User)
	if err != nil {
		return err
	}
	link, err := store.UseOpenedLink(ctx, tx, r.User, store.EmailLink, now.Add(-m.o.FinishWindow), now)
	if err != nil {
		return orNotFound(err)
	}
	var change store.EmailChange
	if err := link.Data(&change); err != nil {
		return err
	}
	if err := m.vacate(ctx, tx, user, change, now); err != nil {
		return err
	}
	ours, err := store.ReplaceEmail(ctx, tx, user.ID, change, store.Later(now, user.ModifiedTime))
	if err != nil {
		return err
	}
	if !ours {
		return fault.New(fault.NotFound, "") // another address has been confirmed since
	}
	for _, kind := range []store.MailedLinkKind{store.EmailLink, store.ResetLink, store.RecoveryLink, store.UnlockLink} {
		if err := store.RevokeLinks(ctx, tx, user.ID, kind, now); err != nil {
			return err
		}
	}
	if err := store.CancelRecoveries(ctx, tx, user.ID, now); err != nil {
		return err
	}
	if err := store.EndChallenges(ctx, tx, user.ID, accounts.ChannelEmail, now); err != nil {
		return err
	}
	err = store.Record(ctx, tx, store.Event{
		Kind: store.EmailChanged, User: &user.ID, Actor: store.ActorUser, ActorID: &user.ID, Origin: r.Origin, Time: now,
	})
	if err != nil {
		return err
	}
	return notice.Send(ctx, m.o.Outbox, tx, user, notice.Notice{
		Event: mail.EmailChanged, Origin: r.Origin, Time: now, To: user.Email,
	})
}

// vacate is a Conflict if somebody else has the new address. Somebody who was
// only invited by it and never came is whoever has just proved to own it.
func (m *Members) vacate(ctx context.Context, tx *db.Tx, user store.User, change store.EmailChange, now time.Time) error {
	holder, err := store.UserByEmail(ctx, tx, change.Key)
	if errors.Is(err, db.ErrNoRows) || err == nil && holder.ID == user.ID {
		return nil
	}
	if err != nil {
		return err
	}
	absorbed, err := store.AbsorbInvited(ctx, tx, user.ID, change.Key, now)
	if err == nil && !absorbed {
		err = fault.New(fault.Conflict, "")
	}
	return err
}
