package passkey

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// nobody is whom a ceremony is for that anybody may answer.
const nobody = 0

// BeginLogin asks a browser for any passkey of this site. It names no account,
// and so tells of none.
func (p *Passkeys) BeginLogin(ctx context.Context) (accounts.PasskeyCeremony, error) {
	assertion, session, err := p.webauthn.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return accounts.PasskeyCeremony{}, fmt.Errorf("passkey: %w", err)
	}
	return p.begin(ctx, nobody, assertion.Response, session)
}

// FinishLogin tells whose passkey has answered.
func (p *Passkeys) FinishLogin(ctx context.Context, r accounts.FinishPasskeyLoginRequest) (accounts.Identity, error) {
	identity, err := p.finishLogin(ctx, r)
	var refusal *refusal
	if errors.As(err, &refusal) {
		p.o.Logger.InfoContext(ctx, "a passkey proves nothing", slog.String("error", refusal.Error()))
		return accounts.Identity{}, fault.New(fault.Unauthenticated, "fault.credentials").Because(err)
	}
	return identity, err
}

// refusal is whatever is wrong with an answer.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }

func (r *refusal) Unwrap() error { return r.cause }

func refuse(err error) error { return &refusal{err} }

var (
	errTooLong  = errors.New("passkey: the answer is too long")
	errUnknown  = errors.New("passkey: unknown or disabled")
	errTwice    = errors.New("passkey: used by two logins at once")
	errCloned   = errors.New("passkey: its counter went back, so there may be a copy of it")
	errVerifies = errors.New("passkey: the device did not verify its user")
)

func (p *Passkeys) finishLogin(ctx context.Context, r accounts.FinishPasskeyLoginRequest) (none accounts.Identity, _ error) {
	if len(r.Credential) > maxCredential {
		return none, refuse(errTooLong)
	}
	session, err := p.take(ctx, r.Ceremony, nobody)
	if errors.Is(err, errNoCeremony) {
		return none, refuse(err)
	}
	if err != nil {
		return none, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(r.Credential)
	if err != nil {
		return none, refuse(err)
	}
	var found *owner
	var broken error // of ours, which is not the passkey's fault
	_, record, err := p.webauthn.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		found, broken = p.holder(ctx, handle)
		if broken != nil {
			return nil, broken
		}
		return found, nil
	}, session, parsed)
	var ours *refusal
	switch {
	case broken != nil && !errors.As(broken, &ours):
		return none, broken
	case err != nil:
		return none, refuse(err)
	case !record.Flags.UserVerified:
		return none, refuse(errVerifies)
	case record.Authenticator.CloneWarning:
		return none, refuse(errCloned)
	}
	return p.succeed(ctx, found, record)
}

// holder finds whose passkey a browser says it has answered with.
func (p *Passkeys) holder(ctx context.Context, handle []byte) (*owner, error) {
	user, err := store.UserByHash(ctx, p.o.DB, hex.EncodeToString(handle))
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return nil, refuse(errUnknown)
	}
	if err != nil {
		return nil, err
	}
	return p.owner(ctx, p.o.DB, user)
}

// succeed notes the use, unless the passkey was used or removed, or its user
// disabled, in the meantime.
func (p *Passkeys) succeed(ctx context.Context, o *owner, record *webauthn.Credential) (identity accounts.Identity, _ error) {
	key, ok := o.find(record)
	if !ok {
		return identity, refuse(errUnknown)
	}
	data, err := json.Marshal(record)
	if err != nil {
		return identity, fmt.Errorf("passkey: encoding: %w", err)
	}
	key.Data, key.Synced = string(data), record.Flags.BackupState
	err = p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := store.HoldUser(ctx, tx, o.user.ID)
		if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
			return refuse(errUnknown)
		}
		if err != nil {
			return err
		}
		ours, err := store.UsePasskey(ctx, tx, key, p.o.Clock.Now())
		if err != nil {
			return err
		}
		if !ours {
			return refuse(errTwice)
		}
		hub, err := store.CurrentHub(ctx, tx, user, p.o.Clock.Now())
		identity = accounts.Identity{User: user.User, Hub: hub}
		return err
	})
	return identity, err
}
