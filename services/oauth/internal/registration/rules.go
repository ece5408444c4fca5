package registration

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

const (
	maxName      = 100
	maxID        = 100
	maxRedirects = 50
)

const responseCode = "code"

var clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*$`)

func (r *Registrar) check(c oauth.Client) error {
	var v fault.Violations
	checkName(&v, c.Name)
	if len(c.ID) > maxID {
		v.Add("client_id", "validation.max_length", "Max", maxID)
	} else if !clientID.MatchString(c.ID) {
		v.Add("client_id", "validation.one_of", "Values", "A-Z a-z 0-9 . _ ~ -")
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
		v.Add("client_name", "validation.required")
	case !utf8.ValidString(name):
		v.Add("client_name", "validation.utf8")
	case strings.ContainsFunc(name, unicode.IsControl):
		v.Add("client_name", "validation.control_characters")
	case utf8.RuneCountInString(name) > maxName:
		v.Add("client_name", "validation.max_length", "Max", maxName)
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
