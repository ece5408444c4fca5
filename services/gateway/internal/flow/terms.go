package flow

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// AcceptTerms accepts the terms of today. A session that is there for that goes
// on to the next step; an open one lives on with a fresh token. Forbidden in any
// other session, while impersonating and by a personal access token; Invalid if
// terms is false.
func (f *Flow) AcceptTerms(ctx context.Context, c edge.Caller, terms bool) (Outcome, error) {
	waiting := c.Session.Scope == sessions.ScopeTermsConfirm
	if err := stepOrSecure(c, waiting); err != nil {
		return Outcome{}, err
	}
	_, err := f.deps.Accounts.AcceptTerms(ctx, accounts.AcceptTermsRequest{Actor: c.Actor(), Terms: terms})
	if err != nil {
		return Outcome{}, err
	}
	if !waiting {
		a, err := f.Refresh(ctx, c)
		return Outcome{Account: a.Account, Token: a.Token}, err
	}
	return f.enter(ctx, resumed(c.Session))
}
