package accounts

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Privacy is what users may ask about themselves. Forbidden while impersonating
// or by a personal access token.
type Privacy interface {
	// ExportAccount gives all that the service holds about the user, without
	// secrets, as an object with one key per kind.
	ExportAccount(context.Context, ActorRequest) (Export, error)
	// RequestDeletion has the account deleted after a period of grace, and ends
	// all its sessions. Invalid if the password is wrong; Conflict
	// (fault.last_owner) if a hub with other members would be left without an
	// owner.
	RequestDeletion(context.Context, RequestDeletionRequest) (Deletion, error)
	// CancelDeletion keeps the account. Conflict if no deletion is pending.
	CancelDeletion(context.Context, ActorRequest) (api.Nothing, error)
}

// Export is what one service holds about a user.
type Export struct {
	Data json.RawMessage `json:"data"`
}

// RequestDeletionRequest asks for the deletion of one's account.
type RequestDeletionRequest struct {
	Actor    api.Actor `json:"actor"`
	Password string    `json:"password"`
}

// Deletion is a deletion that is pending.
type Deletion struct {
	DeletionTime time.Time `json:"deletion_time"`
}
