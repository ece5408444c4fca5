// Package introspection tells what a token is good for: to resource servers
// (RFC 7662) and to UserInfo.
package introspection

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Inspector reads tokens. Each costs one indexed read, two if somebody acts for
// the user, and no write.
type Inspector struct {
	Grants  *grant.Store
	Access  bearer.Access
	Refresh bearer.Refresh
	Grace   time.Duration
	Clock   clockwork.Clock
}

var _ fosite.TokenIntrospector = (*Inspector)(nil)

var errInactive = fosite.ErrInactiveToken

// IntrospectToken fills the requester with what the token stands for. The
// session is a *grant.Session. A token that is not good, or lacks one of the
// scopes, is an error; the hint about its kind is not needed.
func (i *Inspector) IntrospectToken(ctx context.Context, token string, _ fosite.TokenUse, request fosite.AccessRequester, scopes []string) (fosite.TokenUse, error) {
	t, err := i.Access.Open(ctx, token)
	if err == nil {
		found, err := i.access(ctx, t)
		if err != nil {
			return "", err
		}
		if scope.Missing(scopes, t.Scopes) != "" {
			return "", fosite.ErrScopeNotGranted
		}
		request.Merge(found)
		return fosite.AccessToken, nil
	}
	if !errors.Is(err, bearer.ErrToken) {
		return "", err
	}
	if id, generation, ok := i.Refresh.Parse(token); ok {
		found, err := i.refresh(ctx, id, generation)
		if err != nil {
			return "", err
		}
		request.Merge(found)
		return fosite.RefreshToken, nil
	}
	return "", errInactive
}

func (i *Inspector) access(ctx context.Context, t bearer.AccessToken) (*fosite.Request, error) {
	if !i.Clock.Now().Before(t.Expires) {
		return nil, errInactive
	}
	session := &grant.Session{Issued: t.Issued, TokenID: t.ID.String(), Subject: t.Subject, Confirmation: t.Confirmation, Actor: t.Actor}
	session.SetExpiresAt(fosite.AccessToken, t.Expires)
	if t.HasGrant() {
		g, err := i.live(ctx, t.Grant)
		if err != nil {
			return nil, err
		}
		session.Grant = g
	}
	// What rests on no grant, or on another client's, its own client can end alone.
	if session.Grant == nil || session.Grant.Client != t.Client {
		live, err := i.Grants.TokenLive(ctx, t.ID[:], t.Client, t.Issued)
		if err != nil {
			return nil, err
		}
		if !live {
			return nil, errInactive
		}
	}
	found := requestOf(t.Client, t.Scopes, session)
	found.GrantedAudience = t.Audience
	return found, nil
}

// refresh takes the current token of the family, and in the grace window the
// one before. Looking at an old one ends nothing: it is no use of it.
func (i *Inspector) refresh(ctx context.Context, id grant.ID, generation int64) (*fosite.Request, error) {
	g, err := i.live(ctx, id)
	if err != nil {
		return nil, err
	}
	switch g.Standing(generation, i.Clock.Now(), i.Grace) {
	case grant.Current, grant.Retried:
	default:
		return nil, errInactive
	}
	session := &grant.Session{Grant: g, Confirmation: g.Details.Confirmation, Actor: g.Details.Actor}
	session.SetExpiresAt(fosite.RefreshToken, g.Expires)
	return requestOf(g.Client, g.Scopes, session), nil
}

func (i *Inspector) live(ctx context.Context, id grant.ID) (*grant.Grant, error) {
	g, err := i.Grants.ByID(ctx, id)
	if errors.Is(err, grant.ErrNotFound) {
		return nil, errInactive
	}
	if err != nil {
		return nil, err
	}
	if !g.Live(i.Clock.Now()) {
		return nil, errInactive
	}
	if g.Details.Parent != nil {
		if _, err := i.live(ctx, *g.Details.Parent); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func requestOf(clientID string, scopes []string, session *grant.Session) *fosite.Request {
	return &fosite.Request{
		Client: &client.Client{Client: oauth.Client{ID: clientID}}, GrantedScope: scopes, Session: session,
	}
}
