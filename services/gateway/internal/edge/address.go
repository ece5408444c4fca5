package edge

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// clientAddress is the address the request comes from. The socket's peer knows
// itself; only if it is a trusted proxy is it believed about others. Then it is
// the last address in X-Forwarded-For that is no trusted proxy: whatever stands
// before that was written by the client.
func (e *Edge) clientAddress(r *http.Request) (address netip.Addr, viaProxy bool) {
	peer := socketAddress(r)
	if !e.trusted(peer) {
		return peer, false
	}
	client := peer
	for _, hop := range slices.Backward(forwardedFor(r)) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		client = next.Unmap().WithZone("")
		if !e.trusted(client) {
			break
		}
	}
	return client, true
}

func forwardedFor(r *http.Request) []string {
	return strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
}

func socketAddress(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.IPv4Unspecified() // not a TCP socket
	}
	return peer.Addr().Unmap().WithZone("")
}

func (e *Edge) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(e.options.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// limitKey is what the limits count an address as. A subscriber has a /64 of
// IPv6 addresses to choose from.
func limitKey(a netip.Addr) string {
	if a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			return network.String()
		}
	}
	return a.String()
}

// CheckHost refuses a request for another host than the public one's. A page of
// another site can give its own name the address of a developer's machine (DNS
// rebinding) and is then of the same origin; only the Host header tells.
func (e *Edge) CheckHost(r *http.Request) error {
	asked := url.URL{Host: r.Host}
	if !strings.EqualFold(asked.Hostname(), e.options.PublicURL.Hostname()) {
		return fault.New(fault.NotFound, "").Because(errOtherHost)
	}
	return nil
}

var errOtherHost = errors.New("the request is for another host")

// setForwarded leaves only what is true in the headers that services behind the
// gateway, and the spans, read.
func setForwarded(r *http.Request, address netip.Addr, viaProxy bool) {
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	if p := r.Header.Get("X-Forwarded-Proto"); viaProxy && (p == "http" || p == "https") {
		proto = p
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-Ip", "True-Client-Ip"} {
		r.Header.Del(name)
	}
	r.Header.Set("X-Forwarded-For", address.String())
	r.Header.Set("X-Forwarded-Proto", proto)
}
