package client

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
)

// proveByCertificate checks the certificate of the connection (RFC 8705 section
// 2.1): that an authority of ours vouches for it now, for clients, and that it
// names this one. Why not is in the log only.
func (a *Authenticator) proveByCertificate(ctx context.Context, c *Client) error {
	certificate := evidence.From(ctx).Certificate
	switch {
	case certificate == nil:
		return errClient
	case a.Authorities == nil:
		return a.refuseCertificate(ctx, c, errors.New("no authority is configured"))
	}
	if _, err := certificate.Verify(x509.VerifyOptions{
		Roots: a.Authorities, CurrentTime: a.Clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return a.refuseCertificate(ctx, c, err)
	}
	if !names(certificate, c) {
		return a.refuseCertificate(ctx, c, errors.New("it names somebody else"))
	}
	return nil
}

func (a *Authenticator) refuseCertificate(ctx context.Context, c *Client, why error) error {
	a.Logger.InfoContext(ctx, "a client certificate was refused", slog.String("client_id", c.ID), slog.Any("error", why))
	return errClient
}

// names tells whether the certificate has the one name that the client is
// registered with (RFC 8705 section 2.1.2). Wildcards in it mean nothing.
func names(certificate *x509.Certificate, c *Client) bool {
	registered := 0
	for _, name := range []string{c.TLSSubject, c.TLSDNS, c.TLSURI, c.TLSIP, c.TLSEmail} {
		if name != "" {
			registered++
		}
	}
	switch {
	case registered != 1:
		return false
	case c.TLSSubject != "":
		return sameSubject(certificate.RawSubject, c.TLSSubject)
	case c.TLSDNS != "":
		return slices.ContainsFunc(certificate.DNSNames, func(name string) bool { return strings.EqualFold(name, c.TLSDNS) })
	case c.TLSURI != "":
		return slices.ContainsFunc(certificate.URIs, func(u *url.URL) bool { return u.String() == c.TLSURI })
	case c.TLSIP != "":
		registered := net.ParseIP(c.TLSIP)
		return registered != nil && slices.ContainsFunc(certificate.IPAddresses, registered.Equal)
	}
	return slices.Contains(certificate.EmailAddresses, c.TLSEmail)
}
