package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Network is an address or a range of addresses.
type Network struct{ netip.Prefix }

// UnmarshalText reads 192.0.2.1, 192.0.2.0/24 or their like in IPv6.
func (n *Network) UnmarshalText(text []byte) error {
	s := string(text)
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network", s)
		}
		a = a.Unmap()
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is neither an address nor a network", s)
	}
	n.Prefix = p.Masked()
	return nil
}

// Prefixes are the networks as the standard library has them.
func Prefixes(networks []Network) []netip.Prefix {
	list := make([]netip.Prefix, len(networks))
	for i, n := range networks {
		list[i] = n.Prefix
	}
	return list
}
