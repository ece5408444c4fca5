// Package registration decides which clients may be registered.
package registration

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

const (
	maxName      = 100
	maxID        = 100
	maxRedirects = 50
)

// Registrar registers clients.
type Registrar struct {
	Store   *client.Store
	Secrets bearer.Secrets
	// APIScopes are the scopes that clients can have beside those about users.
	APIScopes []string
	Clock     clockwork.Clock
}

// Create registers a client. Its error names every broken rule, or is a
// Conflict if the id is taken. The secret is in the answer and nowhere else.
func (r *Registrar) Create(ctx context.Context, request oauth.CreateClientRequest) (oauth.CreatedClient, error) {
	c := withDefaults(request)
	if err := r.check(c); err != nil {
		return oauth.CreatedClient{}, err
	}
	// As the table keeps it, so that what is shown now is what is read later.
	c.CreatedTime = r.Clock.Now().UTC().Truncate(time.Microsecond)
	c.ModifiedTime = c.CreatedTime
	stored := &client.Client{Client: c}
	var secret string
	if !c.Public() {
		secret = bearer.NewSecret()
		hash, err := r.Secrets.Hash(ctx, []byte(secret))
		if err != nil {
			return oauth.CreatedClient{}, err
		}
		stored.SecretHash, stored.SecretTime = hash, &stored.CreatedTime
	}
	if err := r.Store.Insert(ctx, r.Store.DB, stored); err != nil {
		return oauth.CreatedClient{}, err
	}
	return oauth.CreatedClient{Client: stored.Client, Secret: secret}, nil
}

func withDefaults(request oauth.CreateClientRequest) oauth.Client {
	c := oauth.Client{
		ID: request.ID, Number: newNumber(), Hash: newHash(), Metadata: request.Metadata, Privileges: request.Privileges,
	}
	c.Name, c.RedirectURIs = strings.TrimSpace(c.Name), compact(c.RedirectURIs)
	c.GrantTypes, c.Scopes = compact(c.GrantTypes), compact(c.Scopes)
	if c.ID == "" {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails since Go 1.24
		c.ID = hex.EncodeToString(id)
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
	if c.May(client.AuthorizationCode) && len(c.ResponseTypes) == 0 {
		c.ResponseTypes = []string{"code"}
	}
	return c
}

// newNumber is a random number that JavaScript can hold.
func newNumber() int64 {
	n, _ := rand.Int(rand.Reader, big.NewInt(1<<53-1)) // never fails since Go 1.24
	return n.Int64() + 1
}

func newHash() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
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

var clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*$`)

func (r *Registrar) check(c oauth.Client) error {
	var v fault.Violations
	checkName(&v, c.Name)
	if len(c.ID) > maxID {
		v.Add("id", "validation.max_length", "Max", maxID)
	} else if !clientID.MatchString(c.ID) {
		v.Add("id", "validation.one_of", "Values", "A-Z a-z 0-9 . _ ~ -")
	}
	r.checkGrants(&v, c)
	checkRedirects(&v, c)
	checkFirstParty(&v, c)
	checkAuthMethod(&v, c)
	return v.Err()
}

func checkName(v *fault.Violations, name string) {
	switch {
	case name == "":
		v.Add("name", "validation.required")
	case !utf8.ValidString(name):
		v.Add("name", "validation.utf8")
	case strings.ContainsFunc(name, unicode.IsControl):
		v.Add("name", "validation.control_characters")
	case utf8.RuneCountInString(name) > maxName:
		v.Add("name", "validation.max_length", "Max", maxName)
	}
}

func (r *Registrar) checkGrants(v *fault.Violations, c oauth.Client) {
	known := client.GrantTypes()
	if c.Public() { // it could not prove to be itself
		known = []string{client.AuthorizationCode, client.RefreshToken, client.DeviceCode}
	}
	if scope.Missing(c.GrantTypes, known) != "" {
		v.Add("grant_types", "validation.one_of", "Values", strings.Join(known, ", "))
	}
	if slices.Contains(c.GrantTypes, client.RefreshToken) && !withUsers(c.GrantTypes) {
		v.Add("grant_types", "validation.one_of", "Values", client.RefreshToken+" + "+client.AuthorizationCode)
	}
	if scopes := append(scope.User(), r.APIScopes...); scope.Missing(c.Scopes, scopes) != "" {
		v.Add("scopes", "validation.one_of", "Values", strings.Join(scopes, ", "))
	}
	if c.Public() && c.PKCEOptional {
		v.Add("pkce_optional", "validation.one_of", "Values", "false")
	}
	if c.Public() && c.ResourceServer {
		v.Add("resource_server", "validation.one_of", "Values", "false")
	}
}

// redirectForms tells an operator what a redirect URI looks like.
const redirectForms = "https://host/path, http://localhost/path, http://127.0.0.1/path, http://[::1]/path; " +
	"com.example.app:/path (public)"

func checkRedirects(v *fault.Violations, c oauth.Client) {
	if len(c.RedirectURIs) == 0 && slices.Contains(c.GrantTypes, client.AuthorizationCode) {
		v.Add("redirect_uris", "validation.required")
	}
	if len(c.RedirectURIs) > maxRedirects {
		v.Add("redirect_uris", "validation.max_length", "Max", maxRedirects)
	}
	if slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return redirect.Check(uri, c.Public()) != nil }) {
		v.Add("redirect_uris", "validation.one_of", "Values", redirectForms)
	}
}

// checkFirstParty keeps the privilege from clients that any program on a user's
// device could pose as (RFC 8252 section 8.6): they ask for consent in any case.
func checkFirstParty(v *fault.Violations, c oauth.Client) {
	unassured := func(uri string) bool { return !redirect.Assured(uri) }
	if c.FirstParty && c.Public() && slices.ContainsFunc(c.RedirectURIs, unassured) {
		v.Add("first_party", "validation.one_of", "Values", "false; true (https redirect URIs only, or not public)")
	}
}

func checkAuthMethod(v *fault.Violations, c oauth.Client) {
	allowed := []string{client.AuthNone, client.AuthBasic, client.AuthPost}
	if !slices.Contains(allowed, c.AuthMethod) {
		v.Add("token_endpoint_auth_method", "validation.one_of", "Values", strings.Join(allowed, ", "))
	}
}
