package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// rootKeyHolders are the containers that know the root keys.
var rootKeyHolders = []string{"accounts", "sessions", "mail", "oauth", "cli"}

// volume is one of those of the service "secrets", in its script.
var volume = regexp.MustCompile(`([ "])/(secrets|for|certs)/`)

// noted stands for a command of the script: it notes what it is called with, and fails
// when it comes to the INTERRUPT-th file of root keys.
const noted = `#!/bin/sh
echo "${0##*/} $*" >> FOLDER/log
case "$*" in *root-key*) [ "$(grep -c root-key FOLDER/log)" != "${INTERRUPT:-}" ] || exit 1 ;; esac
COMMAND
`

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
	require.NoError(t, os.MkdirAll(filepath.Join(s.folder, "secrets"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(s.folder, "bin"), 0o755))
	mv, err := exec.LookPath("mv")
	require.NoError(t, err)
	// Disks that have other work are not flushed for a test.
	for name, command := range map[string]string{"mv": "exec " + mv + ` "$@"`, "sync": ""} {
		text := strings.NewReplacer("FOLDER", s.folder, "COMMAND", command).Replace(noted)
		require.NoError(t, os.WriteFile(filepath.Join(s.folder, "bin", name), []byte(text), 0o755))
	}
	out, err := exec.CommandContext(t.Context(), system.Binary(t, "gatehouse"), "certs", filepath.Join(s.folder, "certs")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return s
}

func (s *secretsScript) run(words ...string) (string, error) { return s.interrupted(0, words...) }

// interrupted ends the script at the nth file of root keys that it puts into its place.
func (s *secretsScript) interrupted(n int, words ...string) (string, error) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.folder, "log"), nil, 0o600))
	c := exec.CommandContext(s.t.Context(), "sh", append([]string{"-s", "--"}, words...)...)
	c.Stdin = strings.NewReader(s.script)
	c.Env = append(os.Environ(), "PATH="+filepath.Join(s.folder, "bin")+":"+os.Getenv("PATH"), "INTERRUPT="+strconv.Itoa(n))
	out, err := c.CombinedOutput()
	return string(out), err
}

// does what has to succeed, and says which root keys there are then.
func (s *secretsScript) does(words ...string) []string {
	s.t.Helper()
	out, err := s.run(words...)
	require.NoError(s.t, err, "%v: %s", words, out)
	assert.Equal(s.t, len(words) > 0, strings.HasSuffix(out, "now restart accounts, sessions, mail and oauth\n"), out)
	return s.rootKeys()
}

// refuses what changes nothing.
func (s *secretsScript) refuses(says string, words ...string) {
	s.t.Helper()
	before := s.rootKeys()
	out, err := s.run(words...)
	require.Error(s.t, err)
	assert.Contains(s.t, out, says)
	assert.NotContains(s.t, out, "now restart")
	assert.Equal(s.t, before, s.rootKeys())
}

// path of a file below the folder with the volumes.
func (s *secretsScript) path(names ...string) string {
	return filepath.Join(append([]string{s.folder}, names...)...)
}

// kept is what a file of the volume "secrets" says, which nobody else may read.
func (s *secretsScript) kept(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path("secrets", name))
	require.NoError(s.t, err)
	info, err := os.Stat(s.path("secrets", name))
	require.NoError(s.t, err)
	assert.Equal(s.t, os.FileMode(0o600), info.Mode())
	return strings.TrimSpace(string(text))
}

// rootKeys are those that all containers have which know them.
func (s *secretsScript) rootKeys() []string {
	s.t.Helper()
	kept, err := os.ReadFile(filepath.Join(s.folder, "secrets", "root-key"))
	require.NoError(s.t, err)
	for _, service := range rootKeyHolders {
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
	first := s.does()
	require.Len(t, first, 1)

	steps := regexp.MustCompile(`(?m)^docker compose run --rm secrets (root-key \w+) `).FindAllStringSubmatch(read(t, "docs/compose.md"), -1)
	require.Len(t, steps, 3)
	var lists [][]string
	for _, step := range steps {
		list := s.does(strings.Fields(step[1])...)
		lists = append(lists, list)
		check := exec.CommandContext(t.Context(), system.Binary(t, "accounts"), "check-config")
		check.Env = []string{
			"GATEHOUSE_ROOT_KEY_FILE=" + filepath.Join(s.folder, "for", "accounts", "root-key"), "INSECURE_INTERNAL=true",
			"GATEHOUSE_DATABASE_URL=postgres://u:p@postgres:5432/gatehouse", "GATEHOUSE_PUBLIC_URL=https://id.example.org",
		}
		answer, err := check.CombinedOutput()
		require.NoError(t, err, "%s", answer)

		assert.Equal(t, list, s.does()) // the next "docker compose up"
	}
	second := lists[0][1]
	assert.NotEqual(t, first[0], second)
	assert.Equal(t, [][]string{{first[0], second}, {second, first[0]}, {second}}, lists)
}

func TestTheRootKeyIsNotLostByMistake(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	first := s.does()[0]
	s.refuses("there is one root key", "root-key", "drop")
	s.refuses("there is one root key", "root-key", "use")
	s.refuses("add, use or drop", "root-key")
	s.refuses("add, use or drop", "root-key", "remove")
	s.refuses("all that can be said", "rootkey", "drop")

	added := s.does("root-key", "add")
	require.Len(t, added, 2)
	second := added[1]
	assert.Equal(t, added, s.does("root-key", "add"))
	s.refuses("use the new one first", "root-key", "drop")
	s.refuses("add, use or drop", "root-key", "use with two")

	used := s.does("root-key", "use")
	assert.Equal(t, []string{second, first}, used)
	assert.Equal(t, used, s.does("root-key", "use"))
	assert.Equal(t, strings.Join(added, ","), s.kept("root-key.before"))
	s.refuses("drop the old one first", "root-key", "add")

	for range 2 {
		assert.Equal(t, []string{second}, s.does("root-key", "drop"))
		assert.Equal(t, first, s.kept("root-key.dropped"))
		assert.Equal(t, strings.Join(used, ","), s.kept("root-key.before"))
	}
	s.refuses("there is one root key", "root-key", "use")

	added = s.does("root-key", "add")
	require.Len(t, added, 2)
	assert.Equal(t, second, added[0])
	assert.NotContains(t, []string{first, second}, added[1])
	assert.NoFileExists(t, s.path("secrets", "root-key.dropped"))
	s.refuses("use the new one first", "root-key", "drop")
}

// TestNoRootKeyIsTakenForTheOldOne if it was not noted which that is.
func TestNoRootKeyIsTakenForTheOldOne(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	s.does()
	added := s.does("root-key", "add")
	require.NoError(t, os.Remove(s.path("secrets", "root-key.old")))
	for _, step := range []string{"add", "use", "drop"} {
		s.refuses("which is the old one is not known", "root-key", step)
	}
	assert.Equal(t, added, s.does())
	require.NoError(t, os.WriteFile(s.path("secrets", "root-key.old"), []byte(added[0]), 0o600))
	assert.Equal(t, []string{added[1], added[0]}, s.does("root-key", "use"))
}

// TestAStepThatWasInterruptedIsFinished by taking it again, wherever it ended.
func TestAStepThatWasInterruptedIsFinished(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	before := s.does()
	first := before[0]
	copied := func(from, to string) {
		for _, volume := range []string{"secrets", "for"} {
			require.NoError(t, os.RemoveAll(filepath.Join(to, volume)))
			out, err := exec.CommandContext(t.Context(), "cp", "-a", filepath.Join(from, volume), to).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
	}
	for _, step := range []string{"add", "use", "drop"} {
		start := t.TempDir()
		copied(s.folder, start)
		for n := 1; ; n++ {
			out, err := s.interrupted(n, "root-key", step)
			if err == nil {
				assert.Greater(t, n, 2+len(rootKeyHolders), step)
				break
			}
			assert.NotContains(t, out, "now restart")
			if n%2 == 0 {
				s.does() // the next "docker compose up"
			}
			got := s.does("root-key", step)
			switch step {
			case "add":
				require.Len(t, got, 2)
				assert.Equal(t, first, got[0])
			case "use":
				assert.Equal(t, []string{before[1], first}, got)
			case "drop":
				assert.Equal(t, before[:1], got)
				assert.Equal(t, first, s.kept("root-key.dropped"))
				assert.NoFileExists(t, s.path("secrets", "root-key.old"))
			}
			copied(start, s.folder)
		}
		before = s.rootKeys()
	}
}

// TestRootKeysAreOnTheDisk before anything is sealed under them.
func TestRootKeysAreOnTheDisk(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	for _, words := range [][]string{nil, {"root-key", "add"}, {"root-key", "use"}, {"root-key", "drop"}} {
		s.does(words...)
		log, err := os.ReadFile(s.path("log"))
		require.NoError(t, err)
		did := strings.Split(strings.ReplaceAll(string(log), s.folder, ""), "\n")
		moved := slices.Index(did, "mv /secrets/.root-key /secrets/root-key")
		require.Positive(t, moved, "%v: %s", words, log)
		assert.Equal(t, []string{"sync ", "sync "}, []string{did[moved-1], did[moved+1]}, words)
	}
}

// TestADamagedRootKeyIsRestored from the services' copies, and no other takes its place.
func TestADamagedRootKeyIsRestored(t *testing.T) {
	t.Parallel()
	s := newSecretsScript(t)
	s.does()
	list := s.does("root-key", "add")
	file := s.path("secrets", "root-key")
	write := func(path, text string) {
		require.NoError(t, os.Chmod(path, 0o600))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	text := strings.Join(list, ",")
	for _, left := range []string{"", "\n", text[:20], text[:70]} {
		write(file, left)
		assert.Equal(t, list, s.does(), "%q", left)
	}
	require.NoError(t, os.Remove(file))
	assert.Equal(t, []string{list[1], list[0]}, s.does("root-key", "use"))
	text = list[1] + "," + list[0]

	stays := func(left, says string) {
		t.Helper()
		write(file, left)
		out, err := s.run()
		require.Error(t, err)
		assert.Contains(t, out, says)
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, left, string(after))
	}
	stays("another", "no copy of it")
	write(s.path("for", "cli", "root-key"), list[0])
	stays("", "differ")
	for _, container := range rootKeyHolders {
		write(s.path("for", container, "root-key"), text[:50])
	}
	stays("", "so are its copies")
	for _, container := range rootKeyHolders {
		write(s.path("for", container, "root-key"), "")
	}
	stays(text[:20], "no copy of it")
	write(s.path("for", "mail", "root-key"), text+"\n")
	write(file, "")
	assert.Equal(t, []string{list[1], list[0]}, s.does())
}
