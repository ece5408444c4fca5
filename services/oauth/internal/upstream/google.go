package upstream

import "strings"

// google tells nobody else's address, but who had it once may be somebody else
// by now: Google answers only for its own domain and those that it hosts.
func google() kind {
	return kind{
		title: "Google", issuer: "https://accounts.google.com", scopes: openIDScopes,
		connect: openID(dialect{
			verified: func(c claims) bool {
				_, host, _ := strings.Cut(c.Email, "@")
				return c.saysVerified() && (strings.EqualFold(host, "gmail.com") || c.HostedDomain != "")
			},
		}),
	}
}
