package app

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/discovery"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/realconsul"
)

// consulToken is what the Consul of these tests wants to see.
const consulToken = "0f3b1a0c-7a4d-4d0e-9d7e-2a4d5c6b7a89"

// secured are Consuls that serve HTTPS to those who show a certificate of the
// authority and the token: the double and, where it is installed, the real one.
// They give the port.
var secured = func() map[string]func(*testing.T, *testkit.Authority) string {
	kinds := map[string]func(*testing.T, *testkit.Authority) string{"double": securedDouble}
	if realconsul.Available() {
		kinds["consul"] = securedConsul
	}
	return kinds
}()

func securedDouble(t *testing.T, ca *testkit.Authority) string {
	t.Helper()
	consul := fakeconsul.New(fakeconsul.Options{Checks: 20 * time.Millisecond})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Consul-Token") != consulToken {
			http.Error(w, "ACL not found", http.StatusForbidden)
			return
		}
		consul.ServeHTTP(w, r)
	}))
	files := ca.IssueLeaf(testkit.Leaf{})
	certificate, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	require.NoError(t, err)
	authorities := x509.NewCertPool()
	require.True(t, authorities.AppendCertsFromPEM(ca.PEM()))
	server.TLS = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authorities,
	}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(func() {
		consul.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return portOf(t, server.Listener.Addr().String())
}

func securedConsul(t *testing.T, ca *testkit.Authority) string {
	t.Helper()
	files := ca.IssueLeaf(testkit.Leaf{})
	agent := realconsul.Start(t, map[string]any{
		"tls": map[string]any{"https": map[string]any{
			"ca_file": files.CA, "cert_file": files.Cert, "key_file": files.Key, "verify_incoming": true,
		}},
		"acl": map[string]any{
			"enabled": true, "default_policy": "deny", "tokens": map[string]any{"initial_management": consulToken, "agent": consulToken},
		},
	})
	return portOf(t, agent.TLSAddress)
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return port
}

// TestConsulByTLSAndToken registers a service at a Consul that wants a certificate
// and a token, and finds it there.
func TestConsulByTLSAndToken(t *testing.T) {
	t.Parallel()
	for name, start := range secured {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := testkit.CA(t)
			port, ours := start(t, ca), ca.Issue("accounts")
			joins(t, Consul{Address: "https://localhost:" + port, Token: consulToken, CACert: ours.CA, ClientCert: ours.Cert, ClientKey: ours.Key}, "")
			joins(t, Consul{
				Address: "https://127.0.0.1:" + port, Token: consulToken,
				CACert: ours.CA, ClientCert: ours.Cert, ClientKey: ours.Key, ServerName: "localhost",
			}, "")
		})
	}
}

// TestConsulByTLSOfItsOwnVariables switches TLS on as Consul's tools know it, by
// a variable that its client reads from the environment.
func TestConsulByTLSOfItsOwnVariables(t *testing.T) {
	t.Setenv("CONSUL_HTTP_SSL", "true")
	for name, start := range secured {
		t.Run(name, func(t *testing.T) {
			ca := testkit.CA(t)
			port, ours := start(t, ca), ca.Issue("accounts")
			token := filepath.Join(t.TempDir(), "token")
			require.NoError(t, os.WriteFile(token, []byte(consulToken+"\n"), 0o600))
			joins(t, Consul{Address: "localhost:" + port, Token: consulToken, CACert: ours.CA, ClientCert: ours.Cert, ClientKey: ours.Key}, token)
		})
	}
}

// joins starts a service with the settings and waits until others would find it.
// The token comes from the file if there is one.
func joins(t *testing.T, c Consul, tokenFile string) {
	t.Helper()
	client, transport, err := c.client()
	require.NoError(t, err)
	watch := discovery.Watch(discovery.WatchOptions{Client: client, Service: "accounts"})
	events := make(chan sd.Event, 64)
	watch.Register(events)
	defer func() {
		watch.Deregister(events)
		watch.Stop()
		transport.CloseIdleConnections()
	}()
	settings := append(environOf(c, tokenFile), "GATEHOUSE_DRAIN=0s", "INSECURE_INTERNAL=true")
	service := start(t, accounts(), clockwork.NewRealClock(), settings...)
	found := func(n int) {
		t.Helper()
		for deadline := time.After(30 * time.Second); ; {
			select {
			case e := <-events:
				if e.Err == nil && len(e.Instances) == n {
					return
				}
			case <-deadline:
				require.FailNow(t, "the instances were not seen", "%d; %s", n, service.stderr)
			}
		}
	}
	found(1)
	service.stop()
	assert.Zero(t, service.exit())
	found(0)
}

// environOf are the settings as the operator writes them.
func environOf(c Consul, tokenFile string) []string {
	environ := []string{"CONSUL_HTTP_ADDR=" + c.Address}
	for name, value := range map[string]string{
		"CONSUL_CACERT": c.CACert, "CONSUL_CLIENT_CERT": c.ClientCert, "CONSUL_CLIENT_KEY": c.ClientKey, "CONSUL_TLS_SERVER_NAME": c.ServerName,
	} {
		if value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	if tokenFile != "" {
		return append(environ, "CONSUL_HTTP_TOKEN_FILE="+tokenFile)
	}
	return append(environ, "CONSUL_HTTP_TOKEN="+c.Token)
}

// TestWhatIsWrongWithConsulsTLS is what an operator reads who has it wrong.
func TestWhatIsWrongWithConsulsTLS(t *testing.T) {
	t.Parallel()
	for name, start := range secured {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := testkit.CA(t)
			port, ours, strangers := start(t, ca), ca.Issue("accounts"), testkit.CA(t).Issue("accounts")
			good := Consul{Address: "https://localhost:" + port, Token: consulToken, CACert: ours.CA, ClientCert: ours.Cert, ClientKey: ours.Key}
			diagnose := func(change func(*Consul)) string {
				t.Helper()
				c := good
				change(&c)
				var out strings.Builder
				Run(t.Context(), Service{Name: "accounts"}, []string{"doctor"}, append(environOf(c, ""), "INSECURE_INTERNAL=true"), &out, &out)
				assert.NotContains(t, out.String(), c.Token)
				return out.String()
			}
			for problem, c := range map[string]struct {
				change func(*Consul)
				says   []string
			}{
				"nothing":               {func(*Consul) {}, []string{"accounts may be registered"}},
				"another authority":     {func(c *Consul) { c.CACert = strangers.CA }, []string{"signed by unknown authority", "CONSUL_CACERT"}},
				"no authority":          {func(c *Consul) { c.CACert = "" }, []string{"signed by unknown authority", "CONSUL_CACERT"}},
				"no certificate":        {func(c *Consul) { c.ClientCert, c.ClientKey = "", "" }, []string{"certificate required", "CONSUL_CLIENT_CERT"}},
				"a stranger's":          {func(c *Consul) { c.ClientCert, c.ClientKey = strangers.Cert, strangers.Key }, []string{"unknown certificate authority", "CONSUL_CLIENT_CERT"}},
				"another name":          {func(c *Consul) { c.ServerName = "consul.example.org" }, []string{"consul.example.org", "CONSUL_TLS_SERVER_NAME"}},
				"plain HTTP":            {func(c *Consul) { c.Address = "localhost:" + port }, []string{"HTTP request to an HTTPS server", "https://"}},
				"another token":         {func(c *Consul) { c.Token = "5ad5b4d6-9c0a-4bd6-b6ad-0c6d5f2b1a77" }, []string{"ACL not found", "CONSUL_HTTP_TOKEN"}},
				"a file that is none":   {func(c *Consul) { c.CACert = filepath.Join(t.TempDir(), "none.crt") }, []string{"none.crt"}},
				"a key of another pair": {func(c *Consul) { c.ClientKey = strangers.Key }, []string{"private key"}},
			} {
				text := diagnose(c.change)
				for _, says := range c.says {
					assert.Contains(t, text, says, problem)
				}
			}
		})
	}
}
