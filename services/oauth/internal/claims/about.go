package claims

import (
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// About names the claims about users among those asked for that the client could
// also have by a scope: what is asked for one by one is not more than that. A
// language tag is of no account, as nothing is known in several languages.
func About(asked map[string]*Claim, c *client.Client) []string {
	allowed := OfScopes(c.Scopes)
	var names []string
	for name := range asked {
		name, _, _ = strings.Cut(name, "#")
		if slices.Contains(allowed, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// AskSaid tells whether the request names a claim that only users themselves say
// what it is.
func (r Request) AskSaid(c *client.Client) bool {
	return slices.ContainsFunc(append(About(r.UserInfo, c), About(r.IDToken, c)...), Said)
}

// Scopes are those which stand for the claims about users that the request
// names, for asking the user.
func (r Request) Scopes(c *client.Client) []string {
	names := append(About(r.UserInfo, c), About(r.IDToken, c)...)
	var scopes []string
	for _, s := range byScope {
		if slices.ContainsFunc(s.claims, func(name string) bool { return slices.Contains(names, name) }) {
			scopes = append(scopes, s.scope)
		}
	}
	return scopes
}
