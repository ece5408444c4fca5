package config

import (
	"net/url"
	"slices"
)

// OriginProblem says what is wrong with a public origin (RFC 6454 section 4),
// "" if nothing is. It is an issuer as well, so it has no slash at its end; and
// passwords go there, so it is https beyond this machine. Every service that
// needs the setting asks here: one mistake is one problem.
func OriginProblem(name, value string) string {
	u, err := url.Parse(value)
	if err == nil && u.Hostname() != "" && value == u.Scheme+"://"+u.Host {
		local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
		if u.Scheme == "https" || u.Scheme == "http" && local {
			return ""
		}
	}
	return name + " must be an origin such as https://id.example.org, without a path; http only for localhost"
}
