package token

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// Accounts is what the grants need of the accounts service.
type Accounts interface {
	// Claims is NotFound if the subject is no active user.
	Claims(ctx context.Context, r accounts.ClaimsRequest) (accounts.Account, error)
	// Impersonate decides whether the actor may act as a member of their hub, and
	// writes down and tells the member that they do.
	Impersonate(ctx context.Context, r accounts.MemberRequest) (accounts.Identity, error)
}
