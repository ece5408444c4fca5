package flow

import (
	"cmp"
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
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
	request := sessions.EndRequest{Session: named.ID, Hash: named.Hash, User: c.Session.User, Origin: c.Origin}
	done, err := f.deps.Sessions.End(ctx, request)
	if named.Hash != "" && fault.Is(err, fault.NotFound) {
		if request.Session, err = f.findSession(ctx, c, named.Hash); err != nil {
			return 0, err
		}
		done, err = f.deps.Sessions.End(ctx, request)
	}
	if err != nil {
		return 0, err
	}
	ended = cmp.Or(done.Session, request.Session) // an older version does not tell
	f.deps.Cache.Ended(ended)
	return ended, nil
}

// maxPages bounds the search for a session by its hash.
const maxPages = 100

// findSession is for sessions services of the version before, which know no hashes:
// they run beside this version during an upgrade. NotFound if there is none.
func (f *Flow) findSession(ctx context.Context, c edge.Caller, hash string) (int64, error) {
	for n := 1; n <= maxPages; n++ {
		page := api.Page{Number: n, Size: api.MaxPageSize}
		found, err := f.deps.Sessions.List(ctx, sessions.ListRequest{User: c.Session.User, Page: page})
		if err != nil {
			return 0, err
		}
		for _, s := range found.Sessions {
			if s.Hash == hash {
				return s.ID, nil
			}
		}
		if page.Offset()+page.Size >= found.Total {
			break
		}
	}
	return 0, fault.New(fault.NotFound, "")
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
