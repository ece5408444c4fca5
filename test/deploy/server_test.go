package deploy_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// blocks are those of code in docs/compose.md, "On a server": .env and
// docker-compose.override.yml.
var blocks = regexp.MustCompile("(?s)```(?:sh|yaml)\n# (\\S+)\n(.*?)```")

// onAServer is what docker runs of docker-compose.yml with the files that
// docs/compose.md has for a server.
func onAServer(t *testing.T) *types.Project {
	t.Helper()
	_, section, found := strings.Cut(read(t, "docs/compose.md"), "\n## On a server\n")
	require.True(t, found)
	files := map[string]string{}
	for _, block := range blocks.FindAllStringSubmatch(section, -1) {
		files[block[1]] = block[2]
	}
	override := filepath.Join(t.TempDir(), "docker-compose.override.yml")
	require.NoError(t, os.WriteFile(override, []byte(files["docker-compose.override.yml"]), 0o600))
	settings := strings.Split(strings.TrimSpace(files[".env"]), "\n")
	require.Contains(t, settings, "GATEHOUSE_PUBLIC_URL=https://id.example.org")
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(root, "docker-compose.yml"), override}, cli.WithEnv(settings), cli.WithResolvedPaths(true),
	)
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// TestAServerHasNothingOfTheDemo: neither the app nor its client, nor the mailbox that
// everybody may read, and nobody but browsers comes in.
func TestAServerHasNothingOfTheDemo(t *testing.T) {
	t.Parallel()
	project := onAServer(t)
	assert.Contains(t, project.ServiceNames(), "oauth")
	for _, s := range project.Services {
		assert.NotContains(t, s.Command, "demo", s.Name)
		assert.NotContains(t, s.Image, "mailpit", s.Name)
		for name, value := range s.Environment {
			require.NotNil(t, value, name)
			assert.NotContains(t, *value, "localhost", "%s of %s", name, s.Name)
			assert.NotContains(t, *value, "mailpit", "%s of %s", name, s.Name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				assert.Equal(t, "proxy", s.Name)
				assert.Contains(t, []string{"80", "443"}, port.Published)
			}
		}
	}
}

// TestTheCommandLineWaitsForNoMigration, as it is there to say why one failed: it
// refuses tables that are not up to date. The demo's client needs them.
func TestTheCommandLineWaitsForNoMigration(t *testing.T) {
	t.Parallel()
	project := compose(t)
	var migrations []string
	for _, s := range project.Services {
		if slices.Equal(s.Command, []string{"migrate"}) {
			migrations = append(migrations, s.Name)
		}
	}
	require.Len(t, migrations, 4)
	needed := slices.Sorted(maps.Keys(project.Services["cli"].DependsOn))
	assert.Equal(t, []string{"postgres", "secrets"}, needed)
	for _, name := range needed {
		for _, migration := range migrations {
			assert.NotContains(t, project.Services[name].DependsOn, migration, name)
		}
	}
	for _, migration := range migrations {
		assert.Equal(t, types.ServiceConditionCompletedSuccessfully, project.Services["demo-client"].DependsOn[migration].Condition, migration)
	}
}

// TestSettingsAreThoseOfTheirPrograms lets every program check what it is given.
func TestSettingsAreThoseOfTheirPrograms(t *testing.T) {
	t.Parallel()
	for name, project := range map[string]*types.Project{"as it is": compose(t), "on a server": onAServer(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.GreaterOrEqual(t, checkSettings(t, project), 9)
		})
	}
}

// checkSettings says how many containers there are whose settings are good.
func checkSettings(t *testing.T, project *types.Project) (checked int) {
	t.Helper()
	secrets := t.TempDir()
	out, err := exec.CommandContext(t.Context(), system.Binary(t, "gatehouse"), "certs", secrets).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for file, text := range map[string]string{
		"root-key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "consul-token": "token",
		"database-url": "postgres://u:p@postgres:5432/gatehouse", "redis-url": "redis://:p@valkey:6379/0",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, file), []byte(text+"\n"), 0o600))
	}
	for _, s := range project.Services {
		program, ours := strings.CutPrefix(s.Image, "gatehouse/")
		program, _, _ = strings.Cut(program, ":")
		if !ours || strings.HasPrefix(s.Name, "demo") || s.Name == "certs" {
			continue
		}
		environ := environment(s, secrets, program)
		if strings.HasPrefix(s.Name, "migrate-") { // needs no certificate
			environ = append(environ, "INSECURE_INTERNAL=true")
		}
		if program == "gatehouse" { // serves nothing, which its check-config is about
			requireGoodForCommands(t, s.Name, environ)
			checked++
			continue
		}
		c := exec.CommandContext(t.Context(), system.Binary(t, program), "check-config")
		c.Env = environ
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s: %s", s.Name, out)
		checked++
	}
	return checked
}

// requireGoodForCommands sees that `doctor` finds nothing wrong with the settings of
// the command line: that nothing listens here is as it should be.
func requireGoodForCommands(t *testing.T, service string, environ []string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), system.Binary(t, "gatehouse"), "doctor", "--output", "json", "--timeout", "2s")
	c.Env = environ
	out, _ := c.Output() // 1: there are no databases here
	var results []struct{ Check, Status, Detail string }
	require.NoError(t, json.Unmarshal(out, &results), "%s: %s", service, out)
	statuses := map[string]string{}
	for _, r := range results {
		statuses[r.Check] = r.Status
	}
	assert.Equal(t, "ok", statuses["root key"], "%s: %s", service, out)
	assert.Equal(t, "warning", statuses["settings"], "%s: %s", service, out)
	// Gatehouse may be running at this machine.
	assert.Contains(t, []string{"warning", "ok"}, statuses["public URL"], "%s: %s", service, out)
}

// environment is what a container is started with, with the files of its
// volume elsewhere.
func environment(s types.ServiceConfig, secrets, program string) []string {
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		value := *s.Environment[name]
		if file, ok := strings.CutPrefix(value, "/secrets/"); ok {
			if strings.HasSuffix(file, ".crt") || strings.HasSuffix(file, ".key") {
				file = filepath.Join(program, file)
			}
			value = filepath.Join(secrets, file)
		}
		environ = append(environ, name+"="+value)
	}
	return environ
}
