package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// volume is one of those of the service "secrets", in its script.
var volume = regexp.MustCompile(`([ "])/(secrets|for|certs)/`)

// secretsScript is deploy/compose/secrets.sh with its volumes in a folder of the test.
type secretsScript struct {
	t      *testing.T
	folder string
	script string
}

func newSecretsScript(t *testing.T) *secretsScript {
	t.Helper()
	s := &secretsScript{t: t, folder: t.TempDir()}
	s.script = volume.ReplaceAllString(read(t, "deploy/compose/secrets.sh"), "${1}"+s.folder+"/${2}/")
	for _, service := range []string{"gateway", "accounts", "sessions", "mail", "oauth", "cli", "postgres", "consul", "valkey", "grafana"} {
		require.NoError(t, os.MkdirAll(filepath.Join(s.folder, "for", service), 0o755))
	}
	require.NoError(t, os.Mkdir(filepath.Join(s.folder, "secrets"), 0o755))
	out, err := exec.CommandContext(t.Context(), system.Binary(t, "gatehouse"), "certs", filepath.Join(s.folder, "certs")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return s
}

func (s *secretsScript) run(words ...string) (string, error) {
	s.t.Helper()
	c := exec.CommandContext(s.t.Context(), "sh", append([]string{"-s", "--"}, words...)...)
	c.Stdin = strings.NewReader(s.script)
	out, err := c.CombinedOutput()
	return string(out), err
}

// rootKeys are those that all containers have which know them.
func (s *secretsScript) rootKeys() []string {
	s.t.Helper()
	kept, err := os.ReadFile(filepath.Join(s.folder, "secrets", "root-key"))
	require.NoError(s.t, err)
	for _, service := range []string{"accounts", "sessions", "mail", "oauth", "cli"} {
		given, err := os.ReadFile(filepath.Join(s.folder, "for", service, "root-key"))
		require.NoError(s.t, err)
		assert.Equal(s.t, string(kept), string(given), service)
	}
	assert.NoFileExists(s.t, filepath.Join(s.folder, "for", "gateway", "root-key"))
	return strings.Split(strings.TrimSpace(string(kept)), ",")
}

// TestTheRootKeyRotatesWithCompose by the commands of docs/compose.md, in their order.
func TestTheRootKeyRotatesWithCompose(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	out, err := s.run()
	require.NoError(t, err, out)
	first := s.rootKeys()
	require.Len(t, first, 1)

	steps := regexp.MustCompile(`(?m)^docker compose run --rm secrets (root-key \w+) `).FindAllStringSubmatch(read(t, "docs/compose.md"), -1)
	require.Len(t, steps, 3)
	var lists [][]string
	for _, step := range steps {
		out, err := s.run(strings.Fields(step[1])...)
		require.NoError(t, err, "%s: %s", step[1], out)
		list := s.rootKeys()
		lists = append(lists, list)
		check := exec.CommandContext(t.Context(), system.Binary(t, "accounts"), "check-config")
		check.Env = []string{
			"GATEHOUSE_ROOT_KEY_FILE=" + filepath.Join(s.folder, "for", "accounts", "root-key"), "INSECURE_INTERNAL=true",
			"GATEHOUSE_DATABASE_URL=postgres://u:p@postgres:5432/gatehouse", "GATEHOUSE_PUBLIC_URL=https://id.example.org",
		}
		answer, err := check.CombinedOutput()
		require.NoError(t, err, "%s", answer)

		out, err = s.run() // the next "docker compose up"
		require.NoError(t, err, out)
		assert.Equal(t, list, s.rootKeys())
	}
	second := lists[0][1]
	assert.NotEqual(t, first[0], second)
	assert.Equal(t, [][]string{{first[0], second}, {second, first[0]}, {second}}, lists)
}

func TestTheRootKeyIsNotLostByMistake(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	out, err := s.run()
	require.NoError(t, err, out)
	refused := func(says string, words ...string) {
		t.Helper()
		before := s.rootKeys()
		out, err := s.run(words...)
		require.Error(t, err)
		assert.Contains(t, out, says)
		assert.Equal(t, before, s.rootKeys())
	}
	refused("there is one root key", "root-key", "drop")
	refused("there is one root key", "root-key", "use")
	refused("add, use or drop", "root-key")
	refused("add, use or drop", "root-key", "remove")
	refused("all that can be said", "rootkey", "drop")
	out, err = s.run("root-key", "add")
	require.NoError(t, err, out)
	refused("there are two root keys", "root-key", "add")
	refused("add, use or drop", "root-key", "use with two")
}
