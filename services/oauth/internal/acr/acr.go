// Package acr tells how well a user has proved who they are: authentication
// context class references (OpenID Connect Core 1.0 section 2).
package acr

import (
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// Values lists the classes, the weaker first.
func Values() []string { return []string{oauth.ACRPassword, oauth.ACRMultiple, oauth.ACRPhishing} }

// Of is the class of a login by those methods (RFC 8176). A passkey resists
// phishing; with it the authenticator has verified its user, so it is two
// factors, too.
func Of(methods []string) string {
	switch {
	case slices.Contains(methods, "swk") || slices.Contains(methods, "hwk"):
		return oauth.ACRPhishing
	case slices.Contains(methods, "mfa"):
		return oauth.ACRMultiple
	}
	return oauth.ACRPassword
}

// Meets tells whether a login of one class is as good as another asks for. What
// is not known is met by nothing.
func Meets(have, want string) bool {
	all := Values()
	wanted := slices.Index(all, want)
	return wanted >= 0 && slices.Index(all, have) >= wanted
}
