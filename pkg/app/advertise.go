package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// advertised is where others reach a server of this process, and the URL that
// tells Consul whether it is ready.
func (rt *Runtime) advertised(s *Server) (host string, port int, check string, err error) {
	listening, port, err := split(s.Addr())
	if err != nil {
		return "", 0, "", err
	}
	_, debugPort, err := split(rt.debug.Addr())
	if err != nil {
		return "", 0, "", err
	}
	host, port, err = rt.Base.advertise(port)
	if err != nil {
		return "", 0, "", err
	}
	if host == "" && !listening.IsUnspecified() {
		host = listening.String()
	}
	if host == "" {
		if host, err = machineAddress(); err != nil {
			return "", 0, "", err
		}
	}
	return host, port, "http://" + net.JoinHostPort(host, strconv.Itoa(debugPort)) + "/readyz", nil
}

// advertise is what GATEHOUSE_ADVERTISE says: a host, which may be "", and a
// port, or else the given one.
func (b *Base) advertise(port int) (string, int, error) {
	if host, text, err := net.SplitHostPort(b.Advertise); err == nil && host != "" {
		number, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return "", 0, fmt.Errorf("%q is not a port number", text)
		}
		return host, int(number), nil
	}
	if ip := net.ParseIP(b.Advertise); ip == nil && strings.ContainsAny(b.Advertise, ":/ []") {
		return "", 0, fmt.Errorf("%q is neither a host nor host:port", b.Advertise)
	}
	return b.Advertise, port, nil
}

func split(addr net.Addr) (netip.Addr, int, error) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, 0, fmt.Errorf("%v is no TCP address", addr)
	}
	at := tcp.AddrPort()
	return at.Addr().Unmap(), int(at.Port()), nil
}

// machineAddress is the machine's first address that others may reach, IPv4
// before IPv6.
func machineAddress() (string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("finding an address to advertise: %w", err)
	}
	var six string
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		switch address := prefix.Addr().Unmap(); {
		case err != nil, !address.IsGlobalUnicast():
		case address.Is4():
			return address.String(), nil
		case six == "":
			six = address.String()
		}
	}
	if six == "" {
		return "", errors.New("this machine has no address to advertise: set GATEHOUSE_ADVERTISE")
	}
	return six, nil
}
