package rules

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
)

// The types of applications (OpenID Connect Dynamic Client Registration 1.0
// section 2).
const (
	Web    = "web"
	Native = "native"
)

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// addresses looks at what people and browsers are led to, and at what we read.
func (k *check) addresses() {
	for field, address := range map[string]string{
		"client_uri": k.c.ClientURI, "logo_uri": k.c.LogoURI, "policy_uri": k.c.PolicyURI, "tos_uri": k.c.TermsURI,
		"initiate_login_uri": k.c.InitiateLoginURI,
	} {
		if address != "" && k.fine(field) && !onWeb(address) {
			k.add(field, "validation.client_address", "Value", shown(address))
		}
	}
	for field, addresses := range map[string][]string{
		"jwks_uri": {k.c.JWKSURI}, "sector_identifier_uri": {k.c.SectorURI},
		"backchannel_logout_uri": {k.c.BackchannelLogoutURI}, "request_uris": k.c.RequestURIs,
	} {
		for _, address := range addresses {
			if address != "" && k.fine(field) && k.Fetcher.Check(fetched(field, address)) != nil {
				k.add(field, "validation.client_fetched", "Value", shown(address))
			}
		}
	}
}

// fetched is what is fetched of an address: of a request object all but its
// fragment, which may say what is in it (OpenID Connect Dynamic Client Registration
// 1.0 section 2).
func fetched(field, address string) string {
	before, fragment, _ := strings.Cut(address, "#")
	if field != "request_uris" || strings.ContainsFunc(fragment, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		return address
	}
	return before
}

// onWeb tells whether browsers reach the address safely: by https, or on this
// machine.
func onWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) &&
		(u.Scheme == "https" || u.Scheme == "http" && loopback(u))
}

func loopback(u *url.URL) bool {
	return contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
}

func (k *check) redirects() {
	k.oneOf("application_type", k.c.ApplicationType, Web, Native)
	if len(k.c.RedirectURIs) == 0 && k.c.May(client.AuthorizationCode) {
		k.add("redirect_uris", "validation.required")
	}
	for field, uris := range map[string][]string{
		"redirect_uris": k.c.RedirectURIs, "post_logout_redirect_uris": k.c.PostLogoutURIs,
	} {
		for _, uri := range uris {
			k.redirect(field, uri)
		}
	}
}

func (k *check) redirect(field, uri string) {
	switch err := redirect.Check(uri, k.c.Public()); {
	case errors.Is(err, redirect.ErrTooLong):
		k.add(field, "validation.max_length", "Max", redirect.MaxLength)
	case errors.Is(err, redirect.ErrCharacter):
		k.add(field, "validation.client_redirect_characters", "Value", shown(uri))
	case errors.Is(err, redirect.ErrMalformed):
		k.add(field, "validation.client_redirect_malformed", "Value", shown(uri))
	case err != nil:
		k.add(field, "validation.client_redirect_scheme", "Value", shown(uri))
	case k.c.ApplicationType == Web && !strings.HasPrefix(uri, "http"):
		k.add(field, "validation.client_redirect_web", "Value", shown(uri))
	}
}

// resources looks at the APIs that tokens can be for, and at the origins of pages
// that may ask for them.
func (k *check) resources() {
	if k.fine("resources") {
		for _, name := range k.c.Resources {
			if !resource.Valid(name) {
				k.add("resources", "validation.client_resource", "Value", shown(name))
			}
		}
	}
	if k.fine("allowed_origins") {
		for _, origin := range k.c.Origins {
			if !isOrigin(origin) {
				k.add("allowed_origins", "validation.client_origin", "Value", shown(origin))
			}
		}
	}
}

// isOrigin tells whether s is an origin as browsers send it: lower case, and no
// port that the scheme has anyway.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || !onWeb(s) || s != u.Scheme+"://"+u.Host || s != strings.ToLower(s) {
		return false
	}
	standard := map[string]string{"https": "443", "http": "80"}
	return u.Port() != standard[u.Scheme] && !strings.HasSuffix(u.Host, ":")
}
