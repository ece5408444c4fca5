package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
)

// Domain is what the names of services end in. It is never looked up in the DNS;
// ".internal" is reserved for private use.
const Domain = "gatehouse.internal"

// Name is the DNS name that the certificate of a service carries.
func Name(service string) string {
	return service + "." + Domain
}

// PeerService tells which service is at the other end of a connection that was
// accepted with [Identity.ServerConfig]. It is false unless the certificate was
// verified and names exactly one service.
func PeerService(state *tls.ConnectionState) (string, bool) {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return "", false
	}
	return ServiceOf(state.PeerCertificates[0])
}

var errNoService = errors.New("mtls: the caller's certificate does not name a service")

func requireService(state tls.ConnectionState) error {
	if _, ok := PeerService(&state); !ok {
		return errNoService
	}
	return nil
}

// ServiceOf is the service that a certificate names; false unless it is exactly one.
func ServiceOf(leaf *x509.Certificate) (string, bool) {
	found := ""
	for _, name := range leaf.DNSNames {
		service, ok := strings.CutSuffix(strings.ToLower(name), "."+Domain)
		if !ok {
			continue
		}
		if !isLabel(service) || found != "" && found != service {
			return "", false
		}
		found = service
	}
	return found, found != ""
}

// names reports whether a certificate is for that service. Other than in the
// web, "*" stands for nothing: it would make one service all of them.
func names(leaf *x509.Certificate, service string) bool {
	return isLabel(service) && slices.ContainsFunc(leaf.DNSNames, func(name string) bool {
		return strings.EqualFold(name, Name(service))
	})
}

func isLabel(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
