package grant

import (
	"maps"
	"slices"
	"time"

	"github.com/ory/fosite"
)

// Session is what fosite hands from one handler to the next. At the
// authorization endpoint it carries the grant to be; at the token endpoint the
// grant at hand, nil with client credentials.
type Session struct {
	Grant *Grant
	// Replay says that a refresh token was presented again within the grace
	// window.
	Replay  bool
	Expires map[fosite.TokenType]time.Time
	// The others are of the access token under inspection. Subject is the user as
	// the token's client knows them.
	Issued       time.Time
	TokenID      string
	Subject      string
	Confirmation *Confirmation
	Actor        *Actor
	// Acting is the grant of who is about to act for the user of Grant.
	Acting *Grant
}

var _ fosite.Session = (*Session)(nil)

// SetExpiresAt notes when the token expires.
func (s *Session) SetExpiresAt(key fosite.TokenType, at time.Time) {
	if s.Expires == nil {
		s.Expires = map[fosite.TokenType]time.Time{}
	}
	s.Expires[key] = at
}

// GetExpiresAt is when the token expires, zero if nobody said.
func (s *Session) GetExpiresAt(key fosite.TokenType) time.Time { return s.Expires[key] }

// GetUsername is empty: names are UserInfo's business.
func (s *Session) GetUsername() string { return "" }

// GetSubject is the user as the client knows them, empty for a client's own
// token.
func (s *Session) GetSubject() string {
	switch {
	case s == nil || s.Grant == nil:
		return ""
	case s.Subject != "":
		return s.Subject
	}
	return s.Grant.Subject
}

// Clone copies the session and all it refers to, as its own type: what fosite
// gets back must not be a part of it.
func (s *Session) Clone() fosite.Session {
	if s == nil {
		return (*Session)(nil)
	}
	c := *s
	c.Expires = maps.Clone(s.Expires)
	c.Confirmation = clonePointer(s.Confirmation)
	c.Actor = clonePointer(s.Actor) // its own actor never changes
	c.Grant, c.Acting = s.Grant.clone(), s.Acting.clone()
	return &c
}

func (g *Grant) clone() *Grant {
	if g == nil {
		return nil
	}
	c := *g
	c.Scopes = slices.Clone(g.Scopes)
	c.CodeHash = slices.Clone(g.CodeHash)
	c.CodeUsed, c.Rotated, c.Revoked = clonePointer(g.CodeUsed), clonePointer(g.Rotated), clonePointer(g.Revoked)
	d := &c.Details
	d.Methods = slices.Clone(d.Methods)
	d.Hub, d.ProviderHub = clonePointer(d.Hub), clonePointer(d.ProviderHub)
	d.Resources = slices.Clone(d.Resources)
	d.Claims = slices.Clone(d.Claims)
	d.Confirmation = clonePointer(d.Confirmation)
	d.Actor = clonePointer(d.Actor)
	d.Parent = clonePointer(d.Parent)
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
