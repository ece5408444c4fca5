package flow

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Current describes the account of an open session.
func (f *Flow) Current(ctx context.Context, c edge.Caller) (accounts.Account, error) {
	return f.describe(ctx, c.Session)
}

// Refresh gives a fresh token of the caller's session, which lives on with it.
func (f *Flow) Refresh(ctx context.Context, c edge.Caller) (Authentication, error) {
	account, err := f.describe(ctx, c.Session)
	if err != nil {
		return Authentication{}, err
	}
	token, err := f.deps.Sessions.Refresh(ctx, sessions.RefreshRequest{Token: c.Token, Origin: edge.Origin(ctx)})
	if err != nil {
		return Authentication{}, err
	}
	return Authentication{Account: account, Token: token}, nil
}

// Renew refreshes the caller's token if more than half of its life is over, for
// browsers, which do not ask for it by themselves. ok tells whether it did.
func (f *Flow) Renew(ctx context.Context, c edge.Caller) (token sessions.Token, ok bool, err error) {
	life := time.Duration(c.TTL) * time.Minute
	if c.ExpirationTime.Sub(f.deps.Cache.Now()) > life/2 {
		return sessions.Token{}, false, nil
	}
	token, err = f.deps.Sessions.Refresh(ctx, sessions.RefreshRequest{Token: c.Token, Origin: edge.Origin(ctx)})
	return token, err == nil, err
}

// Logout ends the caller's session, everywhere within a second and here at once.
func (f *Flow) Logout(ctx context.Context, c edge.Caller) error { return f.end(ctx, c.Session.ID) }
