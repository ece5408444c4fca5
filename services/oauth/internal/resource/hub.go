package resource

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// ErrPrefix says that an address is not a prefix for the resources of hubs.
var ErrPrefix = errors.New("resource: it is not an absolute https URI with {hub} as a segment of its path or a label of its host, without query and fragment")

// hubMark stands for the hash of a hub in a prefix.
const hubMark = "{hub}"

// anyHub is in the place of a hash where none in particular is meant.
var anyHub = strings.Repeat("0", 40)

// HubSpaces are where the resources are that hubs name by themselves: what an API
// is called decides which tokens it takes (RFC 8707, RFC 9068 section 4), so nobody
// may call theirs as another's is called.
type HubSpaces struct{ prefixes []string }

// NewHubSpaces are the names of hubs in [HubSpaces.Of], and what is below one of
// the prefixes, in each of which {hub} stands for the hub's hash; [ErrPrefix].
func NewHubSpaces(prefixes []string) (HubSpaces, error) {
	for _, prefix := range prefixes {
		p, ok := split(strings.ReplaceAll(prefix, hubMark, anyHub))
		host, _, err := net.SplitHostPort(p.origin)
		if !ok || err != nil || strings.ContainsAny(strings.ReplaceAll(prefix, hubMark, ""), "{}") ||
			!slices.Contains(p.segments, anyHub) && !slices.Contains(strings.Split(host, "."), anyHub) {
			return HubSpaces{}, ErrPrefix
		}
	}
	return HubSpaces{prefixes}, nil
}

// Of is how the names begin of the resources of the hub with that hash; none if it
// is empty.
func (s HubSpaces) Of(hub string) []string {
	if hub == "" {
		return nil
	}
	all := []string{urn(hub)}
	for _, prefix := range s.prefixes {
		all = append(all, strings.ReplaceAll(prefix, hubMark, hub))
	}
	return all
}

func urn(hub string) string { return "urn:gatehouse:hub:" + hub + ":" }

// Holds tells whether the name is one of a resource of the hub with that hash.
// Addresses are compared as RFC 3986 section 6.2 normalises them, by whole
// segments; what some read in another way than others is nobody's.
func (s HubSpaces) Holds(hub, name string) bool {
	if hub == "" || !Valid(name) {
		return false
	}
	if rest, ok := strings.CutPrefix(name, urn(hub)); ok {
		return rest != ""
	}
	named, ok := split(name)
	return ok && slices.ContainsFunc(s.prefixes, func(prefix string) bool {
		p, ok := split(strings.ReplaceAll(prefix, hubMark, hub))
		return ok && p.origin == named.origin && len(p.segments) <= len(named.segments) &&
			slices.Equal(p.segments, named.segments[:len(p.segments)])
	})
}

// address is an https URI taken apart.
type address struct {
	origin   string // the host in lower case, and the port
	segments []string
}

// split takes an address apart. It is false if it is no plain one: with a user,
// a query or a fragment, or with a path that could mean another one, by dots, empty
// segments, parameters, or escapes of what divides paths.
func split(s string) (address, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s, "?#") || !printable(s) {
		return address{}, false
	}
	a := address{origin: net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "443"))}
	path := strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if path == "" {
		return a, !strings.HasPrefix(u.EscapedPath(), "//")
	}
	for escaped := range strings.SplitSeq(path, "/") {
		segment, err := url.PathUnescape(escaped)
		if err != nil || !plain(segment) {
			return address{}, false
		}
		a.segments = append(a.segments, segment)
	}
	return a, true
}

// plain tells whether the segment means one thing to everybody.
func plain(segment string) bool {
	return segment != "" && segment != "." && segment != ".." && !strings.ContainsAny(segment, `/\%;`) && printable(segment)
}

// printable tells whether s has nothing but what a URI is made of: ASCII without
// spaces and control characters.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
