package app

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
)

// Peers are the fixed addresses, host:port, of services by name.
type Peers map[string][]string

// UnmarshalText reads "accounts=host:port|host:port,sessions=host:port".
func (p *Peers) UnmarshalText(text []byte) error {
	peers := Peers{}
	for entry := range strings.SplitSeq(string(text), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		service, list, ok := strings.Cut(entry, "=")
		if service = strings.TrimSpace(service); !ok || service == "" {
			return fmt.Errorf("%q is not service=host:port", entry)
		}
		if _, twice := peers[service]; twice {
			return fmt.Errorf("%s is there twice: join its addresses with |", service)
		}
		for address := range strings.SplitSeq(list, "|") {
			address = strings.TrimSpace(address)
			if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
				return fmt.Errorf("%q, an address of %s, is not host:port", address, service)
			}
			peers[service] = append(peers[service], address)
		}
	}
	*p = peers
	return nil
}

// MarshalText is the inverse of UnmarshalText, ordered by service.
func (p Peers) MarshalText() ([]byte, error) {
	entries := make([]string, 0, len(p))
	for _, service := range slices.Sorted(maps.Keys(p)) {
		entries = append(entries, service+"="+strings.Join(p[service], "|"))
	}
	return []byte(strings.Join(entries, ",")), nil
}
