package oauth

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	bigint "math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// authority issues certificates.
type authority struct {
	tb          testing.TB
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string // its certificate, in PEM
}

func newAuthority(tb testing.TB, h *harness) *authority {
	tb.Helper()
	a := &authority{tb: tb, key: ecKey(tb), file: filepath.Join(tb.TempDir(), "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: bigint.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: h.clock.Now().Add(-24 * time.Hour), NotAfter: h.clock.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	require.NoError(tb, err)
	a.certificate, err = x509.ParseCertificate(der)
	require.NoError(tb, err)
	require.NoError(tb, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return a
}

// issue makes a client's certificate with many names.
func (a *authority) issue(h *harness, change ...func(*x509.Certificate)) []byte {
	a.tb.Helper()
	template := &x509.Certificate{
		SerialNumber: bigint.NewInt(2), Subject: pkix.Name{CommonName: "app", Organization: []string{"Example, Ltd"}},
		NotBefore: h.clock.Now().Add(-time.Hour), NotAfter: h.clock.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"app.example", "*.wild.example"}, IPAddresses: []net.IP{net.ParseIP("192.0.2.7"), net.ParseIP("2001:db8::7")},
		URIs: []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/app"}}, EmailAddresses: []string{"app@example.org"},
	}
	for _, f := range change {
		f(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &ecKey(a.tb).PublicKey, a.key)
	require.NoError(a.tb, err)
	return der
}

// showing is the request as the gateway passes it on from a client with the
// certificate.
func showing(r *http.Request, der []byte) *http.Request {
	r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(der)+":")
	return r
}

func (h *harness) certified(name func(*client.Client)) url.Values {
	h.t.Helper()
	c := h.changed(func(c *client.Client) {
		c.AuthMethod, c.SecretHash = client.AuthTLS, nil
		name(c)
	})
	return set(ownToken(), "client_id", c.Client.ID)
}

func bySubject(c *client.Client) { c.TLSSubject = `CN=app,O=Example\, Ltd` }

// Whatever way a client comes, a name that is none is refused where it can still be
// corrected: at the token endpoint it would be an invalid_client without a reason.
func TestSubjectsThatAreNoneAreNotRegistered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.ClientCA = newAuthority(t, h).file
		h.restart()
		for name, good := range map[string]bool{"CN=app,O=Example": true, "/CN=app/O=Example": false} {
			assert.Equal(t, !good, h.refuses("tls_client_auth_subject_dn", func(r *oauth.CreateClientRequest) {
				r.AuthMethod, r.TLSSubject = client.AuthTLS, name
			}), name)
			a := h.register(h.initial(nil), `{"redirect_uris":["`+callback+`"],"token_endpoint_auth_method":"tls_client_auth","tls_client_auth_subject_dn":"`+name+`"}`)
			if good {
				assert.Equal(t, http.StatusCreated, a.status, a.body)
				continue
			}
			assert.Equal(t, http.StatusBadRequest, a.status)
			assert.Equal(t, "invalid_client_metadata", a.text("error"))
			assert.Contains(t, a.text("error_description"), "RFC 4514")
		}
	})
}

// Trap 16: clients that authenticate by a certificate (RFC 8705 section 2.1).
func TestTrap16ClientCertificates(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		ca := newAuthority(t, h)
		h.config.ClientCA = ca.file
		h.restart()
		der := ca.issue(h)
		for name, test := range map[string]struct {
			name func(*client.Client)
			good bool
		}{
			"the subject":            {bySubject, true},
			"a name":                 {func(c *client.Client) { c.TLSDNS = "APP.example" }, true},
			"an address":             {func(c *client.Client) { c.TLSIP = "192.0.2.7" }, true},
			"an address of v6":       {func(c *client.Client) { c.TLSIP = "2001:DB8:0::7" }, true},
			"a URI":                  {func(c *client.Client) { c.TLSURI = "spiffe://example/app" }, true},
			"a mailbox":              {func(c *client.Client) { c.TLSEmail = "app@example.org" }, true},
			"another subject":        {func(c *client.Client) { c.TLSSubject = "CN=app" }, false},
			"another name":           {func(c *client.Client) { c.TLSDNS = "app.example.org" }, false},
			"what a wildcard covers": {func(c *client.Client) { c.TLSDNS = "a.wild.example" }, false},
			"another address":        {func(c *client.Client) { c.TLSIP = "192.0.2.8" }, false},
			"an address as a name":   {func(c *client.Client) { c.TLSDNS = "192.0.2.7" }, false},
			"another URI":            {func(c *client.Client) { c.TLSURI = "spiffe://example/app/" }, false},
			"another mailbox":        {func(c *client.Client) { c.TLSEmail = "App@example.org" }, false},
			"no name at all":         {func(*client.Client) {}, false},
			"two names":              {func(c *client.Client) { bySubject(c); c.TLSDNS = "app.example" }, false},
		} {
			a := h.do(showing(post("/oauth2/token", h.certified(test.name)), der))
			assert.Equal(t, test.good, a.status == http.StatusOK, "%s: %s", name, a.body)
			if !test.good {
				assert.Equal(t, "invalid_client", a.text("error"), name)
			}
		}
	})
}

func TestCertificatesThatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		ca, other := newAuthority(t, h), newAuthority(t, h)
		h.config.ClientCA = ca.file
		h.restart()
		f := h.certified(bySubject)
		for name, der := range map[string][]byte{
			"of another authority": other.issue(h),
			"expired":              ca.issue(h, func(c *x509.Certificate) { c.NotAfter = h.clock.Now().Add(-time.Second) }),
			"not yet valid":        ca.issue(h, func(c *x509.Certificate) { c.NotBefore = h.clock.Now().Add(time.Second) }),
			"for servers": ca.issue(h, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			}),
			"not a certificate": []byte("x"),
			"none":              nil,
		} {
			requireError(t, h.do(showing(post("/oauth2/token", f), der)), http.StatusUnauthorized, "invalid_client")
			_ = name
		}
		requireError(t, h.do(post("/oauth2/token", f)), http.StatusUnauthorized, "invalid_client")
		twice := showing(post("/oauth2/token", f), ca.issue(h))
		twice.Header.Add("Client-Cert", twice.Header.Get("Client-Cert"))
		requireError(t, h.do(twice), http.StatusUnauthorized, "invalid_client")
		// A certificate is no secret, and a secret no certificate.
		requireError(t, h.do(showing(post("/oauth2/token", set(f, "client_secret", "s")), ca.issue(h))), http.StatusUnauthorized, "invalid_client")
		set(f, "client_secret", "")
		assert.Equal(t, http.StatusOK, h.do(showing(post("/oauth2/token", f), ca.issue(h))).status)
		assert.Contains(t, h.do(httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", http.NoBody)).body, "tls_client_auth")

		h.config.ClientCA = ""
		h.restart()
		requireError(t, h.do(showing(post("/oauth2/token", f), ca.issue(h))), http.StatusUnauthorized, "invalid_client")
		assert.NotContains(t, h.do(httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", http.NoBody)).body, `"tls_client_auth"`)
	})
}

// Trap 16: tokens that only the holder of a certificate can use (RFC 8705 section
// 3). Anybody's certificate will do for that.
func TestTrap16TokensBoundToACertificate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		ca := newAuthority(t, h)
		mine, theirs := ca.issue(h), ca.issue(h)
		c := h.changed(func(c *client.Client) { c.TLSBound = true }, public)
		a := h.do(showing(as(c, "/oauth2/token", codeForm(h.code(c))), mine))
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, "Bearer", a.text("token_type"))
		access, refresh := a.text("access_token"), a.text("refresh_token")

		assert.Equal(t, http.StatusOK, h.do(showing(asking(access, "Bearer"), mine)).status)
		requireError(t, h.do(showing(asking(access, "Bearer"), theirs)), http.StatusUnauthorized, "invalid_token")
		requireError(t, h.do(asking(access, "Bearer")), http.StatusUnauthorized, "invalid_token")
		requireError(t, h.do(showing(asking(access, "DPoP"), mine)), http.StatusUnauthorized, "invalid_dpop_proof")

		requireError(t, h.do(showing(as(c, "/oauth2/token", refreshForm(refresh)), theirs)), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.do(showing(as(c, "/oauth2/token", refreshForm(refresh)), mine)).status)

		own := h.changed(func(c *client.Client) { c.TLSBound = true })
		token := h.do(showing(as(own, "/oauth2/token", ownToken()), mine)).text("access_token")
		sum := sha256.Sum256(mine)
		assert.Equal(t, map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}, h.introspect(own, token).json["cnf"])
	})
}

func TestTheFileOfAuthoritiesIsRead(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, file := range []string{empty, filepath.Join(t.TempDir(), "missing.pem")} {
		c := Config{ClientCA: file}
		assert.Contains(t, c.Validate()[len(c.Validate())-1], "GATEHOUSE_OAUTH_CLIENT_CA")
	}
}
