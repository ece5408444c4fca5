// Package device tells from where somebody comes: which kind of browser, and
// which network.
package device

import (
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

// Memory is how long a place is known after a user was there last.
const Memory = 180 * 24 * time.Hour

// Refresh is how often it is noted, at most, that a user was at a place.
const Refresh = 24 * time.Hour

// Place is from where somebody comes, as far as it is recognised again.
type Place struct {
	// Device is the kind of browser: the user agent without its versions, which
	// change too often.
	Device string
	// Network is the /16 of an IPv4 address and the /32 of an IPv6 address, about
	// what one provider assigns addresses from.
	Network string
}

// Of is the place of an origin.
func Of(o api.Origin) Place {
	o = input.Origin(o)
	return Place{Device: normalise(o.UserAgent), Network: prefix(o.Address, 16, 32)}
}

// Client is the network that counts as one client: the /24 of an IPv4 address
// and the /64 of an IPv6 address.
func Client(o api.Origin) string { return prefix(input.Origin(o).Address, 24, 64) }

var (
	version = regexp.MustCompile(`/[^\s;,()]*`)
	number  = regexp.MustCompile(`[0-9][0-9._]*`)
)

func normalise(userAgent string) string {
	text := version.ReplaceAllString(strings.ToLower(userAgent), " ")
	text = number.ReplaceAllString(text, "")
	return strings.Join(strings.Fields(text), " ")
}

// prefix is the network of an address; what is no address is its own network.
func prefix(address string, v4, v6 int) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	bits := v6
	if a.Is4() {
		bits = v4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return address
	}
	return p.String()
}
