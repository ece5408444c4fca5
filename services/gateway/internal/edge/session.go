package edge

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Caller is who makes a request: a session and the token that proves it.
type Caller struct {
	sessions.Resolved
	Token string
	// Cookie tells that a browser sent the token as its session cookie.
	Cookie bool
	Origin api.Origin
}

// Actor is the caller as the services know who does something. A challenge that
// still waits for its answer confirms nobody.
func (c Caller) Actor() api.Actor {
	s := c.Session
	a := api.Actor{
		User: s.User, Hub: s.Hub, Session: s.ID, MFA: s.MFA,
		Impersonator: s.Impersonator, PAT: s.PAT, ProviderHub: s.ProviderHub, Origin: c.Origin,
	}
	if s.Scope == sessions.ScopeCode {
		a.MFA = nil
	}
	return a
}

// Secure refuses a caller who acts for somebody: the security of an account is
// its owner's business. Forbidden while impersonating and in a session that a
// personal access token or a hub's own provider has opened.
func (c Caller) Secure() error { return c.Actor().InPerson() }

type resolution struct {
	caller Caller
	err    error
}

// Session is who makes the request, whatever the scope of their token.
// Unauthenticated if the request proves nobody, Unavailable if that cannot be
// found out now, Throttled if the client has sent too many bad tokens. It is
// found out once per request, and only if somebody asks.
func Session(ctx context.Context) (Caller, error) {
	r := of(ctx)
	if r.resolution == nil {
		caller, err := r.resolve(ctx)
		r.resolution = &resolution{caller, err}
	}
	return r.resolution.caller, r.resolution.err
}

// FullSession is Session for what needs a token that opens everything;
// Forbidden if it is a narrow one.
func FullSession(ctx context.Context) (Caller, error) { return ScopedSession(ctx, sessions.ScopeFull) }

// SecureSession is FullSession for what concerns the security of the account;
// Forbidden as [Caller.Secure] says.
func SecureSession(ctx context.Context) (Caller, error) {
	caller, err := FullSession(ctx)
	if err != nil {
		return Caller{}, err
	}
	return caller, caller.Secure()
}

// freshFor is how long after somebody has proved who they are they may add
// another way to log in.
const freshFor = 15 * time.Minute

// FreshSession is SecureSession for what adds a way into the account that would
// outlive the session: whoever has got hold of one must not be able to make
// themselves at home. Forbidden (fault.stale) if its user has not proved who they
// are of late.
func FreshSession(ctx context.Context) (Caller, error) {
	caller, err := SecureSession(ctx)
	if err != nil {
		return Caller{}, err
	}
	return caller, caller.Fresh(ctx)
}

// Fresh is Forbidden (fault.stale) unless the caller has proved of late who they are.
func (c Caller) Fresh(ctx context.Context) error {
	if of(ctx).edge.Now().Sub(c.Session.AuthenticatedTime) > freshFor {
		return fault.New(fault.Forbidden, "fault.stale")
	}
	return nil
}

// HubSession is FullSession for what happens in a hub; Forbidden outside of
// any.
func HubSession(ctx context.Context) (Caller, error) {
	caller, err := FullSession(ctx)
	if err == nil && caller.Session.Hub == nil {
		return Caller{}, fault.New(fault.Forbidden, "fault.hub_required")
	}
	return caller, err
}

// FreshHubSession is HubSession for what decides who comes into the hub; Forbidden
// (fault.stale) as FreshSession. A login by the hub's own provider will do: whether it
// does for what is asked the services say.
func FreshHubSession(ctx context.Context) (Caller, error) {
	caller, err := HubSession(ctx)
	if err != nil {
		return Caller{}, err
	}
	return caller, caller.Fresh(ctx)
}

// BearerSession is FullSession for what a token may be sent along with but need
// not be: ok tells whether one was. A cookie, which a browser sends unasked, does
// not count.
func BearerSession(ctx context.Context) (caller Caller, ok bool, err error) {
	if sent := of(ctx).credential; sent.token == "" || sent.cookie {
		return Caller{}, false, nil
	}
	caller, err = FullSession(ctx)
	return caller, err == nil, err
}

// ScopedSession is Session for what needs a token of one of the scopes;
// Forbidden if it has another.
func ScopedSession(ctx context.Context, scopes ...sessions.Scope) (Caller, error) {
	caller, err := Session(ctx)
	if err != nil {
		return Caller{}, err
	}
	if !slices.Contains(scopes, caller.Session.Scope) {
		return Caller{}, fault.New(fault.Forbidden, scopeMessage)
	}
	return caller, nil
}

func (r *request) resolve(ctx context.Context) (Caller, error) {
	token := r.credential.token
	if token == "" {
		return Caller{}, fault.New(fault.Unauthenticated, "")
	}
	if strings.HasPrefix(token, personalTokenPrefix) {
		return Caller{}, fault.New(fault.Unauthenticated, "fault.personal_token_exchange")
	}
	resolved, ok := r.edge.options.Sessions.Cached(token)
	if !ok {
		var err error
		if resolved, err = r.ask(ctx, token); err != nil {
			return Caller{}, err
		}
	}
	return Caller{Resolved: resolved, Token: token, Cookie: r.credential.cookie, Origin: r.origin}, nil
}

// ask has the sessions service judge a token. A client that has sent too many
// bad ones is stopped before the next one costs a signature check; sessions
// that are known by then go on.
func (r *request) ask(ctx context.Context, token string) (sessions.Resolved, error) {
	if d := r.edge.peek(ctx, r.edge.badTokens, r.client); d.Remaining == 0 {
		return sessions.Resolved{}, fault.New(fault.Throttled, "").After(d.Reset)
	}
	var resolved sessions.Resolved
	err := error(fault.New(fault.Unauthenticated, "").Because(errNoToken))
	if looksLikeToken(token) {
		resolved, err = r.edge.options.Sessions.Resolve(ctx, token)
	}
	if fault.Is(err, fault.Unauthenticated) {
		r.edge.take(ctx, r.edge.badTokens, r.client)
	}
	return resolved, err
}

// personalTokenPrefix begins every personal access token, by which leaked ones are
// recognised. They open sessions and are no token of one.
const personalTokenPrefix = "gh_pat_"

var errNoToken = errors.New("the credential is no JWT")
