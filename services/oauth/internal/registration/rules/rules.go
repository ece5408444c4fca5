// Package rules says which clients can be registered: what RFC 7591, OpenID
// Connect Dynamic Client Registration 1.0 and the RFCs of single fields demand,
// and bounds for everything. A broken rule is told under the field's name in
// JSON, in words that say what to do about it.
package rules

import (
	"context"
	"regexp"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
)

// Response types; the order of words in a name means nothing, so each has one
// spelling here.
const (
	ResponseCode   = "code"
	ResponseHybrid = "code id_token" // only of clients that name it
)

// Rules are what clients have to keep to.
type Rules struct {
	// APIScopes are the scopes that clients can have beside those about users.
	APIScopes []string
	// AuthMethods are the methods of authentication that are offered.
	AuthMethods []string
	// Access, ID and Refresh are the installation's lifetimes, which a client's
	// can only shorten.
	Access, ID, Refresh time.Duration
	Fetcher             Fetcher
}

// Fetcher reads what is at an address that a client names.
type Fetcher interface {
	Check(address string) error
	Get(ctx context.Context, address, accept string) (fetch.Document, error)
}

// check is a client that is being checked.
type check struct {
	*Rules
	c *oauth.Client
	v fault.Violations
}

// Check finds all broken rules that can be found without asking anybody.
func (r *Rules) Check(c *oauth.Client) fault.Violations {
	k := &check{Rules: r, c: c}
	k.id()
	k.texts()
	k.name()
	k.addresses()
	k.redirects()
	k.grants()
	k.scopes()
	k.resources()
	k.authentication()
	k.keys()
	k.requests()
	k.tokens()
	k.lifetimes()
	k.subjects()
	k.logout()
	k.privileges()
	return k.v
}

// maxPerField bounds how many broken rules of one field are told: a list may
// break one with each of its items.
const maxPerField = 5

func (k *check) add(field, text string, args ...any) {
	if len(k.v[field]) < maxPerField {
		k.v.Add(field, text, args...)
	}
}

// fine tells whether nothing has been found about the field so far.
func (k *check) fine(field string) bool { return len(k.v[field]) == 0 }

// maxID bounds a client_id, in bytes.
const maxID = 100

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*$`)
	// userHash is what users are known by: the sub of a client's own token must
	// not be anybody's (RFC 9700 section 4.15).
	userHash = regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)
)

func (k *check) id() {
	if len(k.c.ID) > maxID {
		k.add("client_id", "validation.max_length", "Max", maxID)
	} else if !clientID.MatchString(k.c.ID) || userHash.MatchString(k.c.ID) {
		k.add("client_id", "validation.client_id")
	}
}
