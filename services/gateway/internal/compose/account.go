package compose

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// Identity is a user as an upstream provider knows them.
type Identity struct {
	ID           int64   `json:"id"`
	Hash         string  `json:"hash"`
	Provider     string  `json:"provider"`
	Hub          *int64  `json:"hub"`   // for which alone it counts; null: all
	Email        *string `json:"email"` // null: not told
	Name         *string `json:"name"`
	LastUsedTime *Time   `json:"last_used_time"`
	CreatedTime  Time    `json:"created_time"`
	ModifiedTime Time    `json:"modified_time"`
	Model        string  `json:"model"`
}

// IdentityOf is the document of a linked identity.
func IdentityOf(i accounts.LinkedIdentity) Identity {
	return Identity{
		ID: i.ID, Hash: i.Hash, Provider: i.Provider, Hub: i.Hub, Email: optionalText(i.Email), Name: optionalText(i.Name),
		LastUsedTime: optionalTime(i.LastUsedTime), CreatedTime: Time(i.CreatedTime), ModifiedTime: Time(i.ModifiedTime),
		Model: "UserIdentity",
	}
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// AccountExport is all that is kept about a user.
type AccountExport struct {
	ExportedTime Time            `json:"exported_time"`
	Account      json.RawMessage `json:"account"` // as the accounts service has it
	Sessions     []OpenSession   `json:"sessions"`
	Tokens       []AccessToken   `json:"tokens"`
	Consents     []Consent       `json:"consents"`
}

// Deletion is a deletion of an account that is pending.
type Deletion struct {
	DeletionTime Time `json:"deletion_time"`
}
