package compose

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// PasskeyCeremony is what a browser is asked, for
// PublicKeyCredential.parseCreationOptionsFromJSON or
// parseRequestOptionsFromJSON.
type PasskeyCeremony struct {
	Ceremony       string          `json:"ceremony"`
	Options        json.RawMessage `json:"options"`
	ExpirationTime Time            `json:"expiration_time"`
}

// PasskeyCeremonyOf is the document of a ceremony.
func PasskeyCeremonyOf(c accounts.PasskeyCeremony) PasskeyCeremony {
	return PasskeyCeremony{Ceremony: c.Ceremony, Options: c.Options, ExpirationTime: Time(c.ExpirationTime)}
}

// Passkey is a passkey of a user.
type Passkey struct {
	ID           int64  `json:"id"`
	Hash         string `json:"hash"`
	Name         string `json:"name"`
	Synced       bool   `json:"synced"`
	LastUsedTime *Time  `json:"last_used_time"`
	CreatedTime  Time   `json:"created_time"`
	ModifiedTime Time   `json:"modified_time"`
	Model        string `json:"model"`
}

// PasskeyOf is the document of a passkey.
func PasskeyOf(p accounts.Passkey) Passkey {
	return Passkey{
		ID: p.ID, Hash: p.Hash, Name: p.Name, Synced: p.Synced, LastUsedTime: optionalTime(p.LastUsedTime),
		CreatedTime: Time(p.CreatedTime), ModifiedTime: Time(p.ModifiedTime), Model: "UserPasskey",
	}
}
