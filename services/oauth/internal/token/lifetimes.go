package token

import (
	"time"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// Lifetimes are how long things are good for.
type Lifetimes struct {
	Access time.Duration
	ID     time.Duration
	// Refresh is how long a refresh token may lie unused.
	Refresh time.Duration
	// Grant ends even a family of refresh tokens that is in use.
	Grant time.Duration
	// Grace is how long after its replacement a refresh token may be
	// presented again.
	Grace time.Duration
}

// Of are the lifetimes for a client, which may have chosen shorter ones.
func (l Lifetimes) Of(c *client.Client) Lifetimes {
	l.Access = shorter(l.Access, c.AccessTokenLifetime)
	l.ID = shorter(l.ID, c.IDTokenLifetime)
	l.Refresh = shorter(l.Refresh, c.RefreshTokenLifetime)
	return l
}

func shorter(lifetime time.Duration, seconds int64) time.Duration {
	if seconds <= 0 || seconds >= int64(lifetime/time.Second) {
		return lifetime
	}
	return time.Duration(seconds) * time.Second
}

// familyEnds is when a family of refresh tokens that is in use now expires.
func (l Lifetimes) familyEnds(g *grant.Grant, now time.Time) time.Time {
	idle, last := now.Add(l.Refresh), g.Created.Add(l.Grant)
	if idle.After(last) {
		return last
	}
	return idle
}
