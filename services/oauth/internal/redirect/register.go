package redirect

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Why a redirect URI cannot be registered.
var (
	ErrTooLong   = errors.New("a redirect URI has at most 2048 characters")
	ErrCharacter = errors.New("a redirect URI has only visible ASCII characters, and no wildcard")
	ErrMalformed = errors.New("a redirect URI is absolute and has neither user information nor a fragment")
	ErrScheme    = errors.New("a redirect URI is https, or http to localhost, or a public client's private-use scheme")
)

// Check tells why a client must not register the URI, or nil. Private-use
// schemes are for public clients, and have a dot because they are a domain
// name in reverse (RFC 8252 section 7.1), which also keeps javascript: and its
// like out.
func Check(uri string, public bool) error {
	if len(uri) > MaxLength {
		return ErrTooLong
	}
	if strings.ContainsFunc(uri, forbidden) {
		return ErrCharacter
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Opaque != "" || u.User != nil || strings.Contains(uri, "#") {
		return ErrMalformed
	}
	switch {
	case u.Scheme == "https":
		if u.Hostname() == "" {
			return ErrMalformed
		}
		return nil
	case u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()):
		return nil
	case public && strings.Contains(u.Scheme, "."):
		return nil
	}
	return ErrScheme
}

// forbidden finds what browsers, proxies and people read in different ways.
func forbidden(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`*\"<>^`+"`{|}", r)
}
