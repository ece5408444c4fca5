package standalone

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// A client may show a certificate of anybody's, or none.
func TestTheServerAsksForCertificates(t *testing.T) {
	t.Parallel()
	files := testkit.CA(t).Issue("gateway")
	config, err := serverTLS(files.Cert, files.Key)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strconv.Itoa(len(r.TLS.PeerCertificates)))
	}))
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)

	strange := testkit.CA(t).Issue("somebody")
	shown, err := tls.LoadX509KeyPair(strange.Cert, strange.Key)
	require.NoError(t, err)
	for want, certificates := range map[string][]tls.Certificate{"0": nil, "1": {shown}} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, Certificates: certificates,
		}}}
		answer, err := client.Get(server.URL)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, want, string(body))
	}
	_, err = serverTLS(files.CA, files.Key)
	assert.Error(t, err)
}

func TestTheServerSpeaksNoOldTLS(t *testing.T) {
	t.Parallel()
	files := testkit.CA(t).Issue("gateway")
	config, err := serverTLS(files.Cert, files.Key)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		version uint16
		suites  []uint16
		good    bool
	}{
		"1.3":         {tls.VersionTLS13, nil, true},
		"1.2":         {tls.VersionTLS12, nil, true},
		"1.2 and CBC": {tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}, false},
		"1.1":         {tls.VersionTLS11, nil, false},
	} {
		conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{
			InsecureSkipVerify: true, MinVersion: test.version, MaxVersion: test.version, CipherSuites: test.suites,
		})
		assert.Equal(t, test.good, err == nil, "%s: %v", name, err)
		if err == nil {
			require.NoError(t, conn.Close())
		}
	}
}
