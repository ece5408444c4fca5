package edge

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
)

const (
	// headerCertificate tells the oauth service, and nobody else, the certificate
	// of the client (RFC 9440).
	headerCertificate      = "Client-Cert"
	headerCertificateChain = "Client-Cert-Chain"
	// maxCertificate bounds what is read of a certificate, in bytes.
	maxCertificate = 16 << 10
)

// takeCertificate is the certificate that the client has shown possession of,
// nil if none. Who is no trusted proxy shows its own in the TLS connection; a
// proxy speaks for its clients, and never for itself. Every header that could
// say so, too, is dropped.
func (e *Edge) takeCertificate(r *http.Request, viaProxy bool) *x509.Certificate {
	told := r.Header.Values(e.options.CertificateHeader)
	for _, name := range []string{headerCertificate, headerCertificateChain, e.options.CertificateHeader} {
		r.Header.Del(name)
	}
	switch {
	case viaProxy && e.options.CertificateHeader != "" && len(told) == 1:
		return parseCertificate(told[0])
	case !viaProxy && r.TLS != nil && len(r.TLS.PeerCertificates) > 0:
		return r.TLS.PeerCertificates[0]
	}
	return nil
}

// parseCertificate reads what a proxy has written: DER in base64 between colons
// (RFC 9440 section 2.1), or PEM with the escapes of URLs. What is neither is no
// certificate.
func parseCertificate(text string) *x509.Certificate {
	if len(text) > maxCertificate {
		return nil
	}
	var der []byte
	if inner, ok := strings.CutPrefix(text, ":"); ok {
		inner, ok = strings.CutSuffix(inner, ":")
		var err error
		if der, err = base64.StdEncoding.DecodeString(inner); !ok || err != nil {
			return nil
		}
	} else {
		plain, err := url.PathUnescape(text) // a + is one
		if err != nil {
			return nil
		}
		block, rest := pem.Decode([]byte(plain))
		if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
			return nil
		}
		der = block.Bytes
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return certificate
}

// tellCertificate passes the client's certificate on.
func tellCertificate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := of(r.Context()).certificate; c != nil {
			r.Header.Set(headerCertificate, ":"+base64.StdEncoding.EncodeToString(c.Raw)+":")
		}
		next.ServeHTTP(w, r)
	})
}
