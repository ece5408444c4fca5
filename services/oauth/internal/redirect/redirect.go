// Package redirect holds the rules for redirect URIs: which may be registered
// and which registered one a request means.
//
// A request's URI has to equal a registered one, character by character (RFC
// 9700 section 2.1). The one exception is the port of a loopback address,
// which a native app learns only when it runs (RFC 8252 section 7.3). It holds
// for http://127.0.0.1 and http://[::1] alone: https does not count, and
// localhost is a name that need not mean this machine.
package redirect

import (
	"net/url"
	"strconv"
	"strings"
)

// MaxLength bounds a redirect URI, in bytes.
const MaxLength = 2048

// Match finds the registered URI that the requested one means and returns
// where to send the browser. Without a requested URI it is the client's only
// one (RFC 6749 section 3.1.2.3).
func Match(registered []string, requested string) (string, bool) {
	if requested == "" {
		if len(registered) == 1 {
			return registered[0], true
		}
		return "", false
	}
	if len(requested) > MaxLength {
		return "", false
	}
	for _, r := range registered {
		if requested == r || sameLoopback(r, requested) {
			return requested, true
		}
	}
	return "", false
}

// Origin is the part of a redirect URI that a person can judge: scheme and
// host, or the scheme alone of a native app.
func Origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

// Assured tells whether only one party can receive what is sent to the URI, as
// far as the web's own rules go. Any program of the device can listen on a
// loopback port or claim a private-use scheme (RFC 8252 section 8.6).
func Assured(uri string) bool { return strings.HasPrefix(uri, "https://") }

// With appends parameters to the query of a redirect URI and leaves what is
// registered of it untouched.
func With(uri string, parameters url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + parameters.Encode()
}

func sameLoopback(registered, requested string) bool {
	host, rest, ok := cutLoopback(registered)
	if !ok {
		return false
	}
	requestedHost, requestedRest, ok := cutLoopback(requested)
	return ok && host == requestedHost && rest == requestedRest
}

// cutLoopback splits a loopback URI into its host and what follows the port.
func cutLoopback(uri string) (host, rest string, ok bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(uri, host)
		if !found {
			continue
		}
		rest, ok = cutPort(rest)
		if !ok || rest != "" && rest[0] != '/' && rest[0] != '?' {
			return "", "", false
		}
		return host, rest, true
	}
	return "", "", false
}

func cutPort(s string) (rest string, ok bool) {
	s, found := strings.CutPrefix(s, ":")
	if !found {
		return s, true
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	port, err := strconv.ParseUint(s[:digits], 10, 16)
	return s[digits:], err == nil && port > 0
}
