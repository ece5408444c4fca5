package clients_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/node"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestTheGuidesOfPrograms runs what the guides to Node.js, native apps, devices,
// services and APIs show.
func TestTheGuidesOfPrograms(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_OAUTH_SCOPES=orders.read,billing.read"}})

	t.Run("node", func(t *testing.T) {
		t.Parallel()
		person, _ := s.Register(t, "node@example.org")
		g := openGuide(t, s, "node.md")
		dir := t.TempDir()
		require.NoError(t, os.Symlink(node.Libraries(t), filepath.Join(dir, "node_modules")))
		app := strings.Replace(g.Block("js", "import "), "listen(3000,", "listen("+g.Port()+",", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app.mjs"), []byte(app), 0o600))
		g.serve([]string{"CLIENT_SECRET=" + g.Register("node-app")}, "node", filepath.Join(dir, "app.mjs"))
		signsInAndOut(t, g, person)
	})
	t.Run("native", func(t *testing.T) {
		t.Parallel()
		person, _ := s.Register(t, "native@example.org")
		g := openGuide(t, s, "native.md")
		assert.Empty(t, g.Register("native-app"))
		said := g.start(exec.CommandContext(t.Context(), g.program()))
		visit(t, system.NewBrowser(t, ""), person, after(t, said, "Open "))
		assert.Equal(t, person.Email, after(t, said, "Signed in as "))
	})
	t.Run("devices", func(t *testing.T) {
		t.Parallel()
		person, _ := s.Register(t, "devices@example.org")
		g := openGuide(t, s, "devices.md")
		assert.Empty(t, g.Register("device-app"))
		connect := func(said *bufio.Scanner) {
			_, code, ok := strings.Cut(after(t, said, "Open "+s.URL+"/device"), " and enter ")
			require.True(t, ok)
			approve(t, s, system.NewBrowser(t, ""), person, code)
		}
		said := g.start(exec.CommandContext(t.Context(), g.program()))
		connect(said)
		assert.Equal(t, person.Email, after(t, said, "Signed in as "))
		said = g.start(shell(t, "", g.Block("sh", "issuer=")))
		connect(said)
		assert.Contains(t, after(t, said, "{"), `"email":"`+person.Email+`"`)
	})
	t.Run("services", func(t *testing.T) {
		t.Parallel()
		g := openGuide(t, s, "services.md")
		c := exec.CommandContext(t.Context(), g.program())
		c.Env = append(os.Environ(), "CLIENT_SECRET="+g.Register("orders-job"))
		assert.Equal(t, 2, strings.Count(after(t, g.start(c), "ey"), "."), "a JWT")

		dir, keys := t.TempDir(), g.Block("sh", "base64url() ")
		words, err := shell(t, dir, `gatehouse() { printf '%s\0' "$@"; }`, keys).Output()
		require.NoError(t, err)
		s.Operate(t, strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")...)
		helper, _, _ := strings.Cut(keys, "\n")
		out, err := shell(t, dir, helper, g.Block("sh", "issuer="+s.URL+"\nnow=")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Contains(t, string(out), `"scope":"orders.read"`)
	})
	t.Run("apis", func(t *testing.T) {
		t.Parallel()
		g := openGuide(t, s, "apis.md")
		config := clientcredentials.Config{
			ClientID: "orders-client", ClientSecret: g.Register("orders-client"), TokenURL: s.URL + "/oauth2/token",
			Scopes: []string{"orders.read"}, EndpointParams: url.Values{"resource": {"https://orders.example.org"}},
		}
		token, err := config.Token(t.Context())
		require.NoError(t, err)
		elsewhere := config
		elsewhere.EndpointParams = nil
		other, err := elsewhere.Token(t.Context())
		require.NoError(t, err)
		poor := config
		poor.Scopes = nil
		less, err := poor.Token(t.Context())
		require.NoError(t, err)

		g.serve(nil, g.program())
		for bearer, want := range map[string]int{
			token.AccessToken: http.StatusOK, other.AccessToken: http.StatusUnauthorized, less.AccessToken: http.StatusForbidden,
			"": http.StatusUnauthorized,
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.Origin+"/orders", http.NoBody)
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer "+bearer)
			res, err := system.HTTP().Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			assert.Equal(t, want, res.StatusCode, "%s", body)
		}
		secret := g.Register("orders-introspection")
		out, err := shell(t, "", "issuer="+s.URL, "client_secret="+secret, "token="+token.AccessToken,
			g.Block("sh", "curl -sS $issuer/oauth2/introspect ")).CombinedOutput()
		require.NoError(t, err)
		assert.Contains(t, string(out), `"active":true`)
	})
}

// shell runs commands in a folder.
func shell(t *testing.T, dir string, commands ...string) *exec.Cmd {
	t.Helper()
	for _, program := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			testkit.NotRun(t, "the commands of the guides need "+program+": "+err.Error())
		}
	}
	c := exec.CommandContext(t.Context(), "sh", "-euc", strings.Join(commands, "\n"))
	c.Dir = dir
	return c
}

// start starts a program, and gives what it says. It is ended with the test.
func (g guide) start(c *exec.Cmd) *bufio.Scanner {
	g.t.Helper()
	out, err := c.StdoutPipe()
	require.NoError(g.t, err)
	c.Stderr = os.Stderr
	require.NoError(g.t, c.Start())
	g.t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()
	})
	return bufio.NewScanner(out)
}

// after is what a program says after a beginning of a line.
func after(t *testing.T, said *bufio.Scanner, beginning string) string {
	t.Helper()
	for said.Scan() {
		if rest, ok := strings.CutPrefix(said.Text(), beginning); ok {
			return rest
		}
	}
	require.FailNow(t, "the program has not said "+beginning)
	return ""
}
