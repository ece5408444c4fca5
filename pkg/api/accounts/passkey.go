package accounts

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Passkeys are credentials of the user's devices (Web Authentication Level 3).
// They are discoverable and verify the user, so one alone logs in as strongly as
// a password with a further factor, and cannot be phished. Managing them is
// Forbidden while impersonating or by a personal access token.
type Passkeys interface {
	// BeginPasskey asks the user's browser for a new passkey. Conflict
	// (fault.too_many) if the user has too many.
	BeginPasskey(context.Context, ActorRequest) (PasskeyCeremony, error)
	// FinishPasskey keeps it, once per ceremony. Invalid if the ceremony is
	// unknown, used, expired or another user's, if what the browser answered
	// proves nothing, or if the name is unusable.
	FinishPasskey(context.Context, FinishPasskeyRequest) (Passkey, error)
	// ListPasskeys lists the user's, by id.
	ListPasskeys(context.Context, ActorRequest) (PasskeyList, error)
	// RemovePasskey removes one. Invalid if the password is wrong; NotFound if it
	// is not the user's.
	RemovePasskey(context.Context, RemovePasskeyRequest) (api.Nothing, error)
	// BeginPasskeyLogin asks a browser for any passkey of ours.
	BeginPasskeyLogin(context.Context, BeginPasskeyLoginRequest) (PasskeyCeremony, error)
	// FinishPasskeyLogin tells whose passkey has answered, once per ceremony.
	// Unauthenticated (fault.credentials) whatever is wrong with it.
	FinishPasskeyLogin(context.Context, FinishPasskeyLoginRequest) (Identity, error)
}

// PasskeyCeremony is what a browser is asked.
type PasskeyCeremony struct {
	Ceremony string `json:"ceremony"` // 40 hex, names it when it ends
	// Options are PublicKeyCredentialCreationOptionsJSON or
	// PublicKeyCredentialRequestOptionsJSON.
	Options        json.RawMessage `json:"options"`
	ExpirationTime time.Time       `json:"expiration_time"`
}

// FinishPasskeyRequest ends the making of a passkey.
type FinishPasskeyRequest struct {
	Actor      api.Actor       `json:"actor"`
	Ceremony   string          `json:"ceremony"`
	Name       string          `json:"name"`
	Credential json.RawMessage `json:"credential"` // RegistrationResponseJSON
}

// Passkey is a passkey of a user.
type Passkey struct {
	ID   int64  `json:"id"`
	Hash string `json:"hash"`
	Name string `json:"name"`
	// Synced tells that the user's devices share it.
	Synced       bool       `json:"synced"`
	LastUsedTime *time.Time `json:"last_used_time,omitempty"`
	CreatedTime  time.Time  `json:"created_time"`
	ModifiedTime time.Time  `json:"modified_time"`
}

// PasskeyList are a user's passkeys.
type PasskeyList struct {
	Passkeys []Passkey `json:"passkeys"`
}

// RemovePasskeyRequest removes a passkey.
type RemovePasskeyRequest struct {
	Actor    api.Actor `json:"actor"`
	Passkey  api.Ref   `json:"passkey"`
	Password string    `json:"password"` // the user's
}

// BeginPasskeyLoginRequest begins a login by passkey.
type BeginPasskeyLoginRequest struct {
	Origin api.Origin `json:"origin"`
}

// FinishPasskeyLoginRequest ends a login by passkey.
type FinishPasskeyLoginRequest struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"` // AuthenticationResponseJSON
	Origin     api.Origin      `json:"origin"`
}
