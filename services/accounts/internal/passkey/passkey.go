// Package passkey keeps passkeys and logs in by them (Web Authentication Level
// 3), with go-webauthn's ceremonies.
//
// A ceremony is what a browser was asked. It is kept here under a name that only
// the browser has, answered once, and used up by the first answer, whatever that
// is. The browser keeps the site apart from others by its origin; user
// verification is always asked for, so that a passkey counts as two factors.
package passkey

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const (
	// ceremonyLife is how long a browser may take.
	ceremonyLife = 5 * time.Minute
	// maxPasskeys of one user.
	maxPasskeys = 20
	// maxCredential bounds what a browser answers, in bytes.
	maxCredential = 64 << 10
)

// PasswordCheck is Invalid, naming the field, if it is not the actor's password.
type PasswordCheck func(ctx context.Context, actor api.Actor, field, password string) error

// Options are what Passkeys need; all are required.
type Options struct {
	DB       *db.DB
	Outbox   *outbox.Outbox
	Clock    clockwork.Clock
	Logger   *slog.Logger
	Password PasswordCheck
	// PublicURL is the origin at which browsers are asked.
	PublicURL string
	// Product is what browsers call the site.
	Product string
}

// Passkeys run the ceremonies.
type Passkeys struct {
	o        Options
	webauthn *webauthn.WebAuthn
}

// New makes Passkeys. Its error is a public URL that is no origin.
func New(o Options) (*Passkeys, error) {
	origin, err := url.Parse(o.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: origin.Hostname(), RPDisplayName: o.Product, RPOrigins: []string{o.PublicURL},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return &Passkeys{o: o, webauthn: w}, nil
}

// owner is a user as the library sees one. Its handle is the account's public
// hash: random, and the same for ever.
type owner struct {
	user     store.User
	passkeys []store.Passkey
	records  []webauthn.Credential
}

func (p *Passkeys) owner(ctx context.Context, q db.Queryer, user store.User) (*owner, error) {
	passkeys, err := store.PasskeysOf(ctx, q, user.ID)
	if err != nil {
		return nil, err
	}
	o := &owner{user: user, passkeys: passkeys, records: make([]webauthn.Credential, len(passkeys))}
	for i, key := range passkeys {
		if err := json.Unmarshal([]byte(key.Data), &o.records[i]); err != nil {
			return nil, fmt.Errorf("passkey: decoding %d: %w", key.ID, err)
		}
	}
	return o, nil
}

// WebAuthnID implements webauthn.User.
func (o *owner) WebAuthnID() []byte {
	handle, _ := hex.DecodeString(o.user.Hash) // always 40 hex
	return handle
}

// WebAuthnName implements webauthn.User.
func (o *owner) WebAuthnName() string { return o.user.Email }

// WebAuthnDisplayName implements webauthn.User.
func (o *owner) WebAuthnDisplayName() string { return o.user.FirstName + " " + o.user.LastName }

// WebAuthnCredentials implements webauthn.User.
func (o *owner) WebAuthnCredentials() []webauthn.Credential { return o.records }

// find gives the passkey of a credential record.
func (o *owner) find(c *webauthn.Credential) (store.Passkey, bool) {
	for i := range o.records {
		if bytes.Equal(o.records[i].ID, c.ID) {
			return o.passkeys[i], true
		}
	}
	return store.Passkey{}, false
}

// begin keeps a ceremony.
func (p *Passkeys) begin(ctx context.Context, user int64, options any, session *webauthn.SessionData) (accounts.PasskeyCeremony, error) {
	kept, err := json.Marshal(session)
	if err != nil {
		return accounts.PasskeyCeremony{}, fmt.Errorf("passkey: encoding: %w", err)
	}
	asked, err := json.Marshal(options)
	if err != nil {
		return accounts.PasskeyCeremony{}, fmt.Errorf("passkey: encoding: %w", err)
	}
	name, ends := ids.New(), p.o.Clock.Now().Add(ceremonyLife)
	if err := store.InsertCeremony(ctx, p.o.DB, ids.Digest(name), user, string(kept), ends); err != nil {
		return accounts.PasskeyCeremony{}, err
	}
	return accounts.PasskeyCeremony{Ceremony: name, Options: asked, ExpirationTime: ends}, nil
}

var errNoCeremony = errors.New("passkey: no such ceremony")

// take uses a ceremony up; errNoCeremony if there is none for the user.
func (p *Passkeys) take(ctx context.Context, name string, user int64) (session webauthn.SessionData, _ error) {
	if !ids.Valid(name) {
		return session, errNoCeremony
	}
	var data string
	err := p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		data, err = store.TakeCeremony(ctx, tx, ids.Digest(name), user, p.o.Clock.Now())
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return session, errNoCeremony
	}
	if err != nil {
		return session, err
	}
	if err := json.Unmarshal([]byte(data), &session); err != nil {
		return session, fmt.Errorf("passkey: decoding a ceremony: %w", err)
	}
	return session, nil
}

// Sweep removes ceremonies that nobody has ended in time, and tells how many.
func (p *Passkeys) Sweep(ctx context.Context) (int64, error) {
	return store.SweepCeremonies(ctx, p.o.DB, p.o.Clock.Now())
}
