package flow

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// RequestRecovery mails a link to the user with that address or alias, who has
// lost a factor and confirms that by it. It answers the same whether or not there
// is one. Invalid as ValidateUser says.
func (f *Flow) RequestRecovery(ctx context.Context, user string) error {
	if err := ValidateUser(user).Err(); err != nil {
		return err
	}
	_, err := f.deps.Accounts.InitiateRecovery(ctx, forgotten(ctx, user))
	return err
}

// ConfirmRecovery hands the request in that the caller's link was mailed for.
// Forbidden without such a link; NotFound if nothing waits for it any more.
func (f *Flow) ConfirmRecovery(ctx context.Context, c edge.Caller) error {
	if c.Session.Scope != sessions.ScopeRecoveryConfirm {
		return fault.New(fault.Forbidden, "fault.scope")
	}
	if _, err := f.deps.Accounts.ConfirmRecovery(ctx, confirmation(c)); err != nil {
		return err
	}
	f.endSpent(ctx, c.Session.ID)
	return nil
}
