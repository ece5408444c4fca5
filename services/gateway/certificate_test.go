package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

// selfSigned makes a certificate that nobody vouches for.
func selfSigned(tb testing.TB) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(tb, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

const proxy = "10.1.2.3:1"

func behindProxy(t *testing.T) option {
	t.Helper()
	return settings(func(c *gateway.Config) {
		c.TrustedProxies = []config.Network{network(t, "10.0.0.0/8")}
		c.ClientCertHeader = "X-Ssl-Cert"
	})
}

func TestProxiesTellCertificates(t *testing.T) {
	t.Parallel()
	der := selfSigned(t).Certificate[0]
	item := ":" + base64.StdEncoding.EncodeToString(der) + ":"
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	escaped := url.PathEscape(text)
	tests := map[string]struct {
		from, header, value string
		told                bool
	}{
		"RFC 9440":                        {proxy, "X-Ssl-Cert", item, true},
		"URL-encoded PEM":                 {proxy, "X-Ssl-Cert", escaped, true},
		"a + that is not escaped":         {proxy, "X-Ssl-Cert", strings.ReplaceAll(escaped, "%2B", "+"), true},
		"another case of the name":        {proxy, "x-ssl-cert", item, true},
		"by a stranger":                   {"198.51.100.7:1", "X-Ssl-Cert", item, false},
		"by a stranger, our own name":     {"198.51.100.7:1", "Client-Cert", item, false},
		"by the proxy's client, our name": {proxy, "Client-Cert", item, false},
		"the chain's name":                {proxy, "Client-Cert-Chain", item, false},
		"empty":                           {proxy, "X-Ssl-Cert", "", false},
		"not base64":                      {proxy, "X-Ssl-Cert", ":" + item + ":", false},
		"not closed":                      {proxy, "X-Ssl-Cert", strings.TrimSuffix(item, ":"), false},
		"not a certificate":               {proxy, "X-Ssl-Cert", ":AAAA:", false},
		"another kind of PEM":             {proxy, "X-Ssl-Cert", url.PathEscape(strings.ReplaceAll(text, "CERTIFICATE", "PUBLIC KEY")), false},
		"two certificates":                {proxy, "X-Ssl-Cert", url.PathEscape(text + text), false},
		"a broken escape":                 {proxy, "X-Ssl-Cert", escaped + "%", false},
		"too large":                       {proxy, "X-Ssl-Cert", escaped + strings.Repeat("%0A", 8<<10), false},
	}
	for name, tt := range tests {
		s := newStage(t, behindProxy(t))
		var seen http.Header
		s.public = func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }
		s.do(t, request{method: http.MethodPost, path: "/oauth2/token", from: tt.from, header: map[string]string{tt.header: tt.value}})
		require.NotNil(t, seen, name)
		if want := map[bool]string{true: item}[tt.told]; want != seen.Get("Client-Cert") {
			t.Errorf("%s: Client-Cert is %q", name, seen.Get("Client-Cert"))
		}
		assert.Empty(t, seen.Values("X-Ssl-Cert"), name)
		assert.Empty(t, seen.Values("Client-Cert-Chain"), name)
	}
}

func TestARepeatedCertificateIsNone(t *testing.T) {
	t.Parallel()
	s := newStage(t, behindProxy(t))
	var seen http.Header
	s.public = func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }
	item := ":" + base64.StdEncoding.EncodeToString(selfSigned(t).Certificate[0]) + ":"
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", http.NoBody)
	r.RemoteAddr = proxy
	r.Header["X-Ssl-Cert"] = []string{item, item}
	s.ServeHTTP(httptest.NewRecorder(), r)
	require.NotNil(t, seen)
	assert.Empty(t, seen.Values("Client-Cert"))
}

// Over its own TLS the gateway sees for itself. A proxy's certificate is the
// proxy's and not its clients'.
func TestCertificatesOfConnections(t *testing.T) {
	t.Parallel()
	der := selfSigned(t).Certificate[0]
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	s := newStage(t, behindProxy(t))
	var seen http.Header
	s.public = func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }
	forged := ":" + base64.StdEncoding.EncodeToString(selfSigned(t).Certificate[0]) + ":"
	for from, want := range map[string]string{"198.51.100.7:1": ":" + base64.StdEncoding.EncodeToString(der) + ":", proxy: ""} {
		r := httptest.NewRequest(http.MethodPost, "/oauth2/token", http.NoBody)
		r.RemoteAddr = from
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
		r.Header.Set("Client-Cert", forged)
		s.ServeHTTP(httptest.NewRecorder(), r)
		require.NotNil(t, seen)
		assert.Equal(t, want, seen.Get("Client-Cert"), from)
	}
}

func TestTheCertificateHeaderNeedsAProxy(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		{"GATEHOUSE_CLIENT_CERT_HEADER=Client-Cert"},
		{"GATEHOUSE_CLIENT_CERT_HEADER=not a name", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1"},
	} {
		var c gateway.Config
		err := config.Load(&c, append(environ, "GATEHOUSE_PUBLIC_URL=https://id.example.org"))
		assert.ErrorContains(t, err, "GATEHOUSE_CLIENT_CERT_HEADER", environ[0])
	}
}
