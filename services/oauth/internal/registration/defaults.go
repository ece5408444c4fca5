package registration

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration/rules"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// withDefaults is a new client of the request.
func withDefaults(request oauth.CreateClientRequest) oauth.Client {
	c := oauth.Client{
		ID: request.ID, Number: newNumber(), Hash: ids.New(), Metadata: request.Metadata, Privileges: request.Privileges,
	}
	if c.ID == "" {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails since Go 1.24
		c.ID = hex.EncodeToString(id)
	}
	complete(&c)
	return c
}

// complete brings what was chosen into its one form, and chooses what was not.
func complete(c *oauth.Client) {
	c.Name = strings.TrimSpace(c.Name)
	for _, list := range []*[]string{&c.RedirectURIs, &c.GrantTypes, &c.Scopes} {
		*list = compact(*list)
	}
	for _, list := range []*[]string{
		&c.Contacts, &c.Resources, &c.Origins, &c.RequestURIs, &c.DefaultACRs, &c.PostLogoutURIs,
	} {
		if *list = compact(*list); len(*list) == 0 {
			*list = nil
		}
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{client.AuthorizationCode, client.RefreshToken}
	}
	if len(c.Scopes) == 0 {
		c.Scopes = defaultScopes(c.GrantTypes)
	}
	if c.AuthMethod == "" {
		c.AuthMethod = client.AuthBasic
	}
	c.ResponseTypes = spelled(c.ResponseTypes)
	if c.May(client.AuthorizationCode) && len(c.ResponseTypes) == 0 {
		c.ResponseTypes = []string{rules.ResponseCode}
	}
	if string(c.JWKS) == "null" {
		c.JWKS = nil
	}
}

// spelled are response types in their one spelling: the order of the words in a
// name means nothing.
func spelled(responseTypes []string) []string {
	names := make([]string, 0, len(responseTypes))
	for _, name := range responseTypes {
		words := strings.Fields(name)
		slices.Sort(words)
		names = append(names, strings.Join(words, " "))
	}
	return compact(names)
}

// newNumber is a random number that JavaScript can hold.
func newNumber() int64 {
	n, _ := rand.Int(rand.Reader, big.NewInt(1<<53-1)) // never fails since Go 1.24
	return n.Int64() + 1
}

// defaultScopes are what users expect of a login; nothing without users.
func defaultScopes(grantTypes []string) []string {
	if !withUsers(grantTypes) {
		return []string{}
	}
	scopes := []string{scope.OpenID, scope.Profile, scope.Email}
	if slices.Contains(grantTypes, client.RefreshToken) {
		scopes = append(scopes, scope.OfflineAccess)
	}
	return scopes
}

// withUsers tells whether users can grant something by one of the grant types.
func withUsers(grantTypes []string) bool {
	return slices.Contains(grantTypes, client.AuthorizationCode) || slices.Contains(grantTypes, client.DeviceCode)
}

// compact drops what is repeated, and is never nil.
func compact(list []string) []string {
	kept := []string{}
	for _, s := range list {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}
