package mtls_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// greet connects both sides once. The server says who called; the errors are those of either side.
func greet(t *testing.T, server, client *tls.Config) (caller string, serverErr, clientErr error) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()

	accepted := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			accepted <- err
			return
		}
		defer func() { _ = conn.Close() }()
		secure := tls.Server(conn, server)
		if err := secure.HandshakeContext(t.Context()); err != nil {
			accepted <- err
			return
		}
		state := secure.ConnectionState()
		name, _ := mtls.PeerService(&state)
		_, err = io.WriteString(secure, name)
		_ = secure.Close()
		accepted <- err
	}()
	caller, clientErr = listen(t.Context(), listener.Addr().String(), client)
	return caller, <-accepted, clientErr
}

func listen(ctx context.Context, address string, config *tls.Config) (string, error) {
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	heard, err := io.ReadAll(conn)
	return string(heard), err
}

func load(t *testing.T, o mtls.Options) *mtls.Identity {
	t.Helper()
	identity, err := mtls.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, identity.Close()) })
	return identity
}

func TestServicesKnowEachOther(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	accounts, gateway := ca.Identity("accounts"), ca.Identity("gateway")
	caller, serverErr, clientErr := greet(t, accounts.ServerConfig(), gateway.ClientConfig("accounts"))
	require.NoError(t, serverErr)
	require.NoError(t, clientErr)
	assert.Equal(t, "gateway", caller)

	service, ok := accounts.Service()
	assert.True(t, ok)
	assert.Equal(t, "accounts", service)
	assert.WithinDuration(t, time.Now().AddDate(0, 0, 1), accounts.Expires(), time.Minute)
}

func TestServerRefusesCallers(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	server := ca.Identity("accounts")
	with := func(files mtls.Files) func(*testing.T) *tls.Config {
		return func(t *testing.T) *tls.Config {
			t.Helper()
			cert, err := tls.LoadX509KeyPair(files.Cert, files.Key)
			require.NoError(t, err)
			return &tls.Config{
				MinVersion:           tls.VersionTLS13,
				InsecureSkipVerify:   true, // #nosec G402 -- what the caller thinks is not at stake here
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
			}
		}
	}
	cases := map[string]struct {
		config func(*testing.T) *tls.Config
		want   string
	}{
		"without a certificate": {func(*testing.T) *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true} // #nosec G402
		}, "client didn't provide a certificate"},
		"of another authority": {with(testkit.CA(t).Issue("gateway")), "unknown authority"},
		"whose certificate has expired": {with(ca.IssueLeaf(testkit.Leaf{
			Service: "gateway", NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		})), "expired"},
		"whose certificate is not valid yet": {with(ca.IssueLeaf(testkit.Leaf{
			Service: "gateway", NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour),
		})), "not yet valid"},
		"that are no service":          {with(ca.IssueLeaf(testkit.Leaf{})), "does not name a service"},
		"that are more than one":       {with(ca.IssueLeaf(testkit.Leaf{Service: "gateway", Names: []string{"mail.gatehouse.internal"}})), "does not name a service"},
		"that are a wildcard":          {with(ca.IssueLeaf(testkit.Leaf{Service: "*"})), "does not name a service"},
		"that are a part of a service": {with(ca.IssueLeaf(testkit.Leaf{Service: "evil.gateway"})), "does not name a service"},
		"with TLS 1.2": {func(*testing.T) *tls.Config {
			return &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true} // #nosec G402
		}, "unsupported versions"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard, serverErr, clientErr := greet(t, server.ServerConfig(), c.config(t))
			require.ErrorContains(t, serverErr, c.want)
			require.Error(t, clientErr)
			assert.Empty(t, heard)
		})
	}
}

func TestClientRefusesServers(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	client := ca.Identity("gateway").ClientConfig("accounts")
	cases := map[string]struct {
		files mtls.Files
		want  string
	}{
		"of another service":   {ca.Issue("mail"), `the server is not "accounts"`},
		"of no service":        {ca.IssueLeaf(testkit.Leaf{}), `the server is not "accounts"`},
		"with a wildcard":      {ca.IssueLeaf(testkit.Leaf{Service: "*"}), `the server is not "accounts"`},
		"of another authority": {testkit.CA(t).Issue("accounts"), "unknown authority"},
		"whose certificate has expired": {ca.IssueLeaf(testkit.Leaf{
			Service: "accounts", NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		}), "expired"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
			require.NoError(t, err)
			server := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}
			_, serverErr, clientErr := greet(t, server, client)
			require.ErrorContains(t, clientErr, c.want)
			require.Error(t, serverErr)
		})
	}
}

func TestClientRefusesServersWithTLS12(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	server := ca.Identity("accounts").ServerConfig()
	server.GetConfigForClient = nil
	server.MinVersion, server.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	_, _, err := greet(t, server, ca.Identity("gateway").ClientConfig("accounts"))
	require.ErrorContains(t, err, "protocol version not supported")
}

func TestAServerMayHaveSeveralNames(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	server := load(t, mtls.Options{Files: ca.IssueLeaf(testkit.Leaf{Service: "accounts", Names: []string{"mail.gatehouse.internal"}})})
	for _, service := range []string{"accounts", "mail"} {
		_, _, err := greet(t, server.ServerConfig(), ca.Identity("gateway").ClientConfig(service))
		require.NoError(t, err, service)
	}
	_, ok := server.Service()
	assert.False(t, ok, "but it is no caller")
}

func TestCertificatesExpireWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	clock := clockwork.NewFakeClockAt(time.Now())
	server := load(t, mtls.Options{Files: ca.Issue("accounts"), Clock: clock})
	client := load(t, mtls.Options{Files: ca.Issue("gateway"), Clock: clock})
	_, _, err := greet(t, server.ServerConfig(), client.ClientConfig("accounts"))
	require.NoError(t, err)
	clock.Advance(48 * time.Hour)
	_, _, err = greet(t, server.ServerConfig(), client.ClientConfig("accounts"))
	require.ErrorContains(t, err, "expired")
}

func TestHTTPServerAndClient(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{
		TLSConfig:         ca.Identity("accounts").ServerConfig(),
		ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			caller, _ := mtls.PeerService(r.TLS)
			_, _ = io.WriteString(w, caller+" "+r.Proto) // #nosec G705 -- not for a browser
		}),
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.ServeTLS(listener, "", "") }()
	defer func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-stopped, http.ErrServerClosed)
	}()

	transport := &http.Transport{TLSClientConfig: ca.Identity("gateway").ClientConfig("accounts"), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+listener.Addr().String(), nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "gateway HTTP/2.0", string(body))
}

func TestLoadRefusesFilesThatDoNotFit(t *testing.T) {
	t.Parallel()
	ca := testkit.CA(t)
	garbage := t.TempDir() + "/garbage"
	require.NoError(t, os.WriteFile(garbage, []byte("no PEM"), 0o600))
	good, other, stranger := ca.Issue("accounts"), ca.Issue("mail"), testkit.CA(t).Issue("accounts")
	cases := map[string]struct {
		files mtls.Files
		want  string
	}{
		"nothing":               {mtls.Files{}, "no file with the certificate is named"},
		"no key":                {mtls.Files{Cert: good.Cert, CA: good.CA}, "no file with the private key is named"},
		"an absent file":        {mtls.Files{Cert: good.Cert, Key: good.Key, CA: garbage + "2"}, "the authorities: open"},
		"a broken certificate":  {mtls.Files{Cert: garbage, Key: good.Key, CA: good.CA}, "the certificate and its key"},
		"a broken key":          {mtls.Files{Cert: good.Cert, Key: garbage, CA: good.CA}, "the certificate and its key"},
		"broken authorities":    {mtls.Files{Cert: good.Cert, Key: good.Key, CA: garbage}, "no certificate in it"},
		"another's key":         {mtls.Files{Cert: good.Cert, Key: other.Key, CA: good.CA}, "private key does not match"},
		"a different authority": {mtls.Files{Cert: good.Cert, Key: good.Key, CA: stranger.CA}, "unknown authority"},
		"an expired one":        {ca.IssueLeaf(testkit.Leaf{Service: "accounts", NotAfter: time.Now().Add(-time.Minute)}), "expired"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mtls.Load(c.files, nil)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "PRIVATE")
		})
	}
}

func TestPeerServiceOfUnverifiedConnections(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]*tls.ConnectionState{"none": nil, "no chains": {}} {
		service, ok := mtls.PeerService(state)
		assert.False(t, ok, name)
		assert.Empty(t, service, name)
	}
}
