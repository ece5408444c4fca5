package flow

import (
	"cmp"
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Sessions lists the open sessions of the caller, the last used one first.
// Forbidden while impersonating: from where somebody works is their own business.
func (f *Flow) Sessions(ctx context.Context, c edge.Caller, p api.Page) (sessions.SessionList, error) {
	if err := c.Actor().AsSelf(); err != nil {
		return sessions.SessionList{}, err
	}
	return f.deps.Sessions.List(ctx, sessions.ListRequest{User: c.Session.User, Page: p})
}

// EndSession ends a session of the caller's, the present one included. NotFound
// if it is no open one; Forbidden while impersonating and by a personal access
// token.
func (f *Flow) EndSession(ctx context.Context, c edge.Caller, named api.Ref) (ended int64, err error) {
	if err := c.Secure(); err != nil {
		return 0, err
	}
	done, err := f.deps.Sessions.End(ctx, sessions.EndRequest{
		Session: named.ID, Hash: named.Hash, User: c.Session.User, Origin: c.Origin,
	})
	if err != nil {
		return 0, err
	}
	ended = cmp.Or(done.Session, named.ID) // an older version does not tell
	f.deps.Cache.Ended(ended)
	return ended, nil
}

// EndOtherSessions ends all sessions of the caller's but the present one.
// Forbidden while impersonating and by a personal access token.
func (f *Flow) EndOtherSessions(ctx context.Context, c edge.Caller) error {
	if err := c.Secure(); err != nil {
		return err
	}
	_, err := f.deps.Sessions.EndAll(ctx, sessions.EndAllRequest{User: c.Session.User, Except: &c.Session.ID})
	return err
}
