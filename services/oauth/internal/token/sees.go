package token

import (
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Sees tells whether an access token is the client's business, to look at (RFC 7662
// section 4, RFC 9701 section 5) and to exchange (RFC 8693): its own is. Beyond that
// only the operator makes a client a resource server, which sees what is for no
// resource in particular or for one of its own; what a client calls its resources
// does not make it one. The grant is nil for a client's own token.
func Sees(c *client.Client, issuedTo string, audience []string, g *grant.Grant) bool {
	if c.ID == issuedTo {
		return true
	}
	return c.ResourceServer && inHubOf(c, g) && (len(audience) == 0 || len(scope.Both(audience, c.Resources)) > 0)
}

// inHubOf keeps the clients of a hub to that hub, and a login that counts for one
// hub alone to its clients.
func inHubOf(c *client.Client, g *grant.Grant) bool {
	if c.Hub == nil {
		return g == nil || g.Details.ProviderHub == nil
	}
	return g != nil && g.Details.Hub != nil && *g.Details.Hub == *c.Hub
}
