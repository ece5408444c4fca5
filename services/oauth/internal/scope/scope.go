// Package scope names the scopes that OpenID Connect and Gatehouse define, and
// reads lists of scopes. Scopes are compared exactly: none contains another.
package scope

import (
	"slices"
	"strings"
)

// The scopes that ask for something of a user.
const (
	OpenID        = "openid"
	Profile       = "profile"
	Email         = "email"
	Phone         = "phone"
	Address       = "address"
	Hub           = "hub" // the hub the user is in, with role and features
	OfflineAccess = "offline_access"
)

// Meaning counts what the scopes about users mean. What was granted before they
// came to mean more keeps its meaning: profile then stands for what the account
// knows, phone for the number of a confirmed factor, and address for nothing.
const (
	Narrow  = 1
	Meaning = 2
)

// User lists the scopes that mean something only with a user.
func User() []string {
	return []string{OpenID, Profile, Email, Phone, Address, Hub, OfflineAccess}
}

// OfUser tells whether the scope means something only with a user.
func OfUser(s string) bool { return slices.Contains(User(), s) }

// Confined are the scopes of list that a login which counts for one hub alone can
// grant. Whoever runs a hub's provider can make it name any member, whom other APIs
// know by the same hash: such a login tells the hub's apps what the hub knows of its
// members, and gives no right to anything.
func Confined(list []string) []string {
	return Both(list, []string{OpenID, Profile, Email, Hub, OfflineAccess})
}

// Parse splits a scope parameter and drops what is repeated.
func Parse(s string) []string {
	var list []string
	for name := range strings.SplitSeq(s, " ") {
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Join is the list as a parameter.
func Join(list []string) string { return strings.Join(list, " ") }

// Valid tells whether s can be a scope at all (RFC 6749 section 3.3).
func Valid(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\\'
	})
}

// Missing is the first scope of list that is not in among, "" if there is none.
func Missing(list, among []string) string {
	for _, s := range list {
		if !slices.Contains(among, s) {
			return s
		}
	}
	return ""
}

// Both are the scopes of list that are in among too.
func Both(list, among []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(among, s) })
}
