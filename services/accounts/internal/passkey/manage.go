package passkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/notice"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// maxName bounds what a user calls a passkey, in characters.
const maxName = 255

// List lists the actor's passkeys.
func (p *Passkeys) List(ctx context.Context, r accounts.ActorRequest) (accounts.PasskeyList, error) {
	found, err := store.PasskeysOf(ctx, p.o.DB, r.Actor.User)
	list := accounts.PasskeyList{Passkeys: make([]accounts.Passkey, len(found))}
	for i, key := range found {
		list.Passkeys[i] = key.Passkey
	}
	return list, err
}

// Begin asks the actor's browser for a new passkey.
func (p *Passkeys) Begin(ctx context.Context, r accounts.ActorRequest) (none accounts.PasskeyCeremony, _ error) {
	if err := r.Actor.InPerson(); err != nil {
		return none, err
	}
	o, err := p.actor(ctx, r.Actor.User)
	if err != nil {
		return none, err
	}
	if len(o.records) >= maxPasskeys {
		return none, fault.New(fault.Conflict, "fault.too_many")
	}
	// A device that has one already is to say so instead of making another.
	creation, session, err := p.webauthn.BeginRegistration(o,
		webauthn.WithExclusions(webauthn.Credentials(o.records).CredentialDescriptors()))
	if err != nil {
		return none, fmt.Errorf("passkey: %w", err)
	}
	return p.begin(ctx, r.Actor.User, creation.Response, session)
}

func (p *Passkeys) actor(ctx context.Context, id int64) (*owner, error) {
	user, err := store.UserByID(ctx, p.o.DB, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return nil, fault.New(fault.Unauthenticated, "fault.session_expired")
	}
	if err != nil {
		return nil, err
	}
	return p.owner(ctx, p.o.DB, user)
}

// Finish keeps the passkey that the browser has made.
func (p *Passkeys) Finish(ctx context.Context, r accounts.FinishPasskeyRequest) (none accounts.Passkey, _ error) {
	if err := r.Actor.InPerson(); err != nil {
		return none, err
	}
	name, err := check(r)
	if err != nil {
		return none, err
	}
	o, err := p.actor(ctx, r.Actor.User)
	if err != nil {
		return none, err
	}
	session, err := p.take(ctx, r.Ceremony, r.Actor.User)
	if errors.Is(err, errNoCeremony) {
		return none, fault.Field("ceremony", "validation.state")
	}
	if err != nil {
		return none, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(r.Credential)
	if err != nil {
		return none, fault.Field("credential", "validation.credential")
	}
	record, err := p.webauthn.CreateCredential(o, session, parsed)
	if err != nil {
		p.o.Logger.InfoContext(ctx, "a new passkey proves nothing", slog.String("error", err.Error()))
		return none, fault.Field("credential", "validation.credential")
	}
	return p.keep(ctx, r.Actor, name, record)
}

func check(r accounts.FinishPasskeyRequest) (name string, _ error) {
	var v fault.Violations
	name = input.Name(&v, "name", r.Name)
	if utf8.RuneCountInString(name) > maxName {
		v.Add("name", "validation.max_length", "Max", maxName)
	}
	switch {
	case len(r.Credential) == 0:
		v.Add("credential", "validation.required")
	case len(r.Credential) > maxCredential:
		v.Add("credential", "validation.credential")
	}
	if r.Ceremony == "" {
		v.Add("ceremony", "validation.required")
	}
	return name, v.Err()
}

func (p *Passkeys) keep(ctx context.Context, actor api.Actor, name string, record *webauthn.Credential) (kept accounts.Passkey, _ error) {
	data, err := json.Marshal(record)
	if err != nil {
		return kept, fmt.Errorf("passkey: encoding: %w", err)
	}
	err = p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := p.o.Clock.Now()
		user, err := store.HoldUser(ctx, tx, actor.User) // so that two at once count each other
		if err != nil {
			return err
		}
		others, err := store.PasskeysOf(ctx, tx, actor.User)
		if err != nil {
			return err
		}
		if len(others) >= maxPasskeys {
			return fault.New(fault.Conflict, "fault.too_many")
		}
		key, err := store.InsertPasskey(ctx, tx, store.Passkey{
			Passkey: accounts.Passkey{Hash: ids.New(), Name: name, Synced: record.Flags.BackupState},
			User:    actor.User, Data: string(data),
		}, record.ID, now)
		if errors.Is(err, db.ErrNoRows) {
			return fault.Field("credential", "validation.taken")
		}
		if err != nil {
			return err
		}
		kept = key.Passkey
		if err := store.Record(ctx, tx, store.Did(store.PasskeyAdded, actor, now)); err != nil {
			return err
		}
		return notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{
			Event: mail.FactorAdded, Origin: actor.Origin, Time: now, Subject: name,
		})
	})
	return kept, err
}

// Remove removes a passkey of the actor's.
func (p *Passkeys) Remove(ctx context.Context, r accounts.RemovePasskeyRequest) error {
	if err := r.Actor.InPerson(); err != nil {
		return err
	}
	if err := p.o.Password(ctx, r.Actor, "password", r.Password); err != nil {
		return err
	}
	return p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := p.o.Clock.Now()
		user, err := store.HoldUser(ctx, tx, r.Actor.User)
		if err != nil {
			return err
		}
		name, err := store.DeletePasskey(ctx, tx, r.Actor.User, r.Passkey)
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return err
		}
		if err := store.Record(ctx, tx, store.Did(store.PasskeyRemoved, r.Actor, now)); err != nil {
			return err
		}
		return notice.Send(ctx, p.o.Outbox, tx, user, notice.Notice{
			Event: mail.FactorRemoved, Origin: r.Actor.Origin, Time: now, Subject: name,
		})
	})
}
