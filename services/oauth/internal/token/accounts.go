package token

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// Accounts is what the grants need of the accounts service.
type Accounts interface {
	// Claims is NotFound if the subject is no active user.
	Claims(ctx context.Context, r accounts.ClaimsRequest) (accounts.Account, error)
}
