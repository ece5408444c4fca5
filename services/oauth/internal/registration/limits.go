package registration

import (
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
)

// limits are what somebody other than the operator may not give to a client.
// What it has already, from the operator, it keeps.
func (r *Registrar) limits(v *fault.Violations, before *client.Client, after *client.Client, who author) {
	if who.operator {
		return
	}
	had := oauth.Client{}
	if before != nil {
		had = before.Client
	}
	fresh := func(old, now []string) []string {
		return slices.DeleteFunc(slices.Clone(now), func(s string) bool { return slices.Contains(old, s) })
	}
	if who.actor == nil {
		itself(v, after, fresh(had.GrantTypes, after.GrantTypes), fresh(had.Scopes, after.Scopes))
	}
	r.resources(v, after, fresh(had.Resources, after.Resources), who)
	sector(v, &had, after)
	if after.Hub == nil {
		return
	}
	// A token that a machine gets for itself is not bound to the hub; the API that
	// takes it would serve the whole installation's data.
	if after.May(client.ClientCredentials) {
		for _, name := range after.Scopes {
			kept := slices.Contains(had.Scopes, name) && had.May(client.ClientCredentials)
			if !scope.OfUser(name) && !kept {
				v.Add("scopes", "validation.client_machine_scope", "Value", name)
			}
		}
	}
}

// maxTold bounds how many resources are told to be wrong.
const maxTold = 5

// resources keeps whoever is not the operator from naming what is another's: an API
// that is called so would take the client's tokens for its own.
func (r *Registrar) resources(v *fault.Violations, c *client.Client, named []string, who author) {
	told := 0
	for _, name := range named {
		if told == maxTold || slices.Contains(who.resources, name) || r.Spaces.Holds(c.HubHash, name) {
			continue
		}
		told++
		if own := r.Spaces.Of(c.HubHash); own != nil {
			v.Add("resources", "validation.client_resource_hub", "Value", shorten(name), "Values", strings.Join(own, ", "))
		} else {
			v.Add("resources", "validation.client_resource_operator", "Value", shorten(name))
		}
	}
}

// sector keeps clients from the names that users have at others. The host of a
// redirect URI is whose names they are, since nobody else would get the tokens:
// which does not hold for those that come another way.
func sector(v *fault.Violations, had *oauth.Client, c *client.Client) {
	if c.SubjectType != subject.Pairwise || len(c.RedirectURIs) == 0 {
		return
	}
	same := had.SubjectType == c.SubjectType && had.SectorURI == c.SectorURI && slices.Equal(had.RedirectURIs, c.RedirectURIs)
	for _, name := range []string{client.DeviceCode, client.TokenExchange} {
		if kept := same && had.May(name); c.May(name) && !kept {
			v.Add("subject_type", "validation.client_pairwise", "Value", name)
		}
	}
}

// itself limits what clients can give to themselves. With an initial access token
// somebody answers for the client; without one it could be anybody's, who must
// get nothing that a user has not allowed.
func itself(v *fault.Violations, c *client.Client, grants, scopes []string) {
	forbidden := []string{client.JWTBearer, client.TokenExchange}
	if c.Registration == client.Open {
		forbidden = append(forbidden, client.ClientCredentials)
		for _, name := range scopes {
			if !scope.OfUser(name) {
				v.Add("scopes", "validation.client_not_self", "Value", name)
			}
		}
	}
	for _, name := range grants {
		if slices.Contains(forbidden, name) {
			v.Add("grant_types", "validation.client_not_self", "Value", name)
		}
	}
}
