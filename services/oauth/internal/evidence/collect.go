package evidence

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/dpop"
)

// CertificateHeader is where the gateway, and nobody else, writes the client's
// certificate (RFC 9440 section 2.2).
const CertificateHeader = "Client-Cert"

// Collector gives requests to the public endpoints their evidence.
type Collector struct{ Proofs *dpop.Verifier }

// Certificate is around endpoints at which clients authenticate.
func (*Collector) Certificate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Evidence{Certificate: certificateOf(r)}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), e)))
	})
}

// Proof is around endpoints that bind something to a key, or take what is bound
// to one. A bad proof ends the request in fail.
func (c *Collector) Proof(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Evidence{Certificate: certificateOf(r)}
		proof, err := c.Proofs.Verify(r, BoundToken(r))
		if err != nil {
			fail(w, r, err)
			return
		}
		if proof != nil {
			e.KeyThumbprint, e.KeyAlgorithm = proof.Thumbprint, proof.Algorithm
			e.Spend(proof.ID)
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), e)))
	})
}

// BoundToken is the access token that the request carries under the scheme
// DPoP; "" if none, as at the endpoints where clients authenticate.
func BoundToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, dpop.Header) {
		return ""
	}
	return strings.TrimSpace(token)
}

// certificateOf reads what the gateway has written. A certificate that cannot
// be read proves nothing, like none.
func certificateOf(r *http.Request) *x509.Certificate {
	values := r.Header.Values(CertificateHeader)
	if len(values) != 1 {
		return nil
	}
	text, opened := strings.CutPrefix(values[0], ":")
	text, closed := strings.CutSuffix(text, ":")
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !opened || !closed {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return certificate
}

// CertificateThumbprint is the certificate's x5t#S256 (RFC 8705 section 3.1);
// empty without one.
func (e *Evidence) CertificateThumbprint() string {
	if e.Certificate == nil {
		return ""
	}
	sum := sha256.Sum256(e.Certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
