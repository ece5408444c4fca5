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

const root = "../.."

func TestMain(m *testing.M) { system.Main(m) }

// compose is docker-compose.yml as docker reads it on a fresh clone.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(root, "docker-compose.yml")}, cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true),
	)
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// once are the services that end when they are done.
func once(p *types.Project) map[string]bool {
	found := map[string]bool{"cli": true}
	for _, s := range p.Services {
		for name, d := range s.DependsOn {
			if d.Condition == types.ServiceConditionCompletedSuccessfully {
				found[name] = true
			}
		}
	}
	return found
}

var pinned = regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?(-alpine)?$`)

func TestImagesArePinnedOrOurs(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "Dockerfile")
	for _, s := range compose(t).Services {
		if name, ours := strings.CutPrefix(s.Image, "gatehouse/"); ours {
			name, _, _ = strings.Cut(name, ":")
			if s.Build == nil { // it has the image of another service
				continue
			}
			built := s.Build.Target
			if program := s.Build.Args["PROGRAM"]; program != nil {
				built = *program
				assert.DirExists(t, filepath.Join(root, "services", built, "cmd", built), s.Name)
			}
			assert.Equal(t, name, built, "%s: the image and what is built", s.Name)
			assert.Contains(t, dockerfile, "\nFROM base AS "+s.Build.Target+"\n", s.Name)
			continue
		}
		assert.Regexp(t, pinned, s.Image, s.Name)
	}
}

// TestTheImagesHaveTheWholeWorkspace, as Go refuses one of which a module is missing.
func TestTheImagesHaveTheWholeWorkspace(t *testing.T) {
	t.Parallel()
	copied := strings.Split(read(t, ".dockerignore"), "\n")
	modules := regexp.MustCompile(`(?m)^\t\./(\S+)$`).FindAllStringSubmatch(read(t, "go.work"), -1)
	require.NotEmpty(t, modules)
	for _, m := range modules {
		top, _, _ := strings.Cut(m[1], "/")
		assert.True(t, slices.Contains(copied, "!"+top) || slices.Contains(copied, "!"+m[1]+"/go.mod"), "%s is not copied", m[1])
	}
}

// TestServicesHaveNoSQLite, of which gatehouse is the only program.
func TestServicesHaveNoSQLite(t *testing.T) {
	t.Parallel()
	for program, has := range map[string]bool{
		"gateway": false, "accounts": false, "sessions": false, "mail": false, "oauth": false, "standalone": true,
	} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./services/"+program+"/cmd/...")
		list.Dir = root
		out, err := list.Output()
		require.NoError(t, err)
		assert.Equal(t, has, strings.Contains(string(out), "modernc.org/sqlite"), program)
	}
}

// TestEverythingTellsWhetherItIsWell lists what cannot: it has neither a shell
// nor a command of its own for it, and nothing waits for it.
func TestEverythingTellsWhetherItIsWell(t *testing.T) {
	t.Parallel()
	silent := map[string]bool{"collector": true, "jaeger": true}
	dockerfile := read(t, "Dockerfile")
	project := compose(t)
	ends := once(project)
	for _, s := range project.Services {
		for name, d := range s.DependsOn {
			if !ends[name] {
				assert.True(t, d.Condition == types.ServiceConditionHealthy || s.NetworkMode == "service:"+name, "%s waits for %s until it is %s", s.Name, name, d.Condition)
			}
		}
		if ends[s.Name] || silent[s.Name] {
			continue
		}
		if s.HealthCheck != nil {
			assert.False(t, s.HealthCheck.Disable, "%s: docker compose up --wait fails", s.Name)
			continue
		}
		if strings.HasPrefix(s.Image, "gatehouse/") {
			assert.Contains(t, dockerfile, `CMD ["/`+s.Build.Target+`", "healthcheck"]`, s.Name)
			continue
		}
		assert.NotNil(t, s.HealthCheck, s.Name)
	}
}

// TestOurContainersMayDoNothing they need not, and nothing is open to other
// machines.
func TestOurContainersMayDoNothing(t *testing.T) {
	t.Parallel()
	for _, s := range compose(t).Services {
		for _, port := range s.Ports {
			assert.Equal(t, "127.0.0.1", port.HostIP, s.Name)
		}
		if strings.HasPrefix(s.Image, "gatehouse/") {
			assert.True(t, s.ReadOnly, s.Name)
			assert.Equal(t, []string{"ALL"}, s.CapDrop, s.Name)
			assert.Contains(t, s.SecurityOpt, "no-new-privileges:true", s.Name)
			assert.False(t, s.Privileged, s.Name)
		}
	}
}

var secretName = regexp.MustCompile(`PASSWORD|TOKEN|SECRET|ROOT_KEY|DATABASE_URL|REDIS_URL`)

func TestNoSecretIsInTheFile(t *testing.T) {
	t.Parallel()
	for _, s := range compose(t).Services {
		for name, value := range s.Environment {
			if secretName.MatchString(name) {
				require.NotNil(t, value, name)
				assert.Regexp(t, `_FILE$`, name, s.Name)
				assert.Regexp(t, `^/secrets/`, *value, s.Name)
			}
		}
	}
	for _, secret := range []string{"deploy/compose/secrets.sh", "deploy/compose/postgres-init.sh", "docker-compose.yml"} {
		assert.NotRegexp(t, `[0-9a-f]{32}|[A-Za-z0-9+/]{43}=`, read(t, secret), secret)
	}
}

// TestSettingsAreThoseOfTheirPrograms lets every program check what it is given.
func TestSettingsAreThoseOfTheirPrograms(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	out, err := exec.CommandContext(t.Context(), system.Binary(t, "gatehouse"), "certs", secrets).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for file, text := range map[string]string{
		"root-key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "consul-token": "token",
		"database-url": "postgres://u:p@postgres:5432/gatehouse", "redis-url": "redis://:p@valkey:6379/0",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, file), []byte(text+"\n"), 0o600))
	}
	checked := 0
	for _, s := range compose(t).Services {
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
	assert.GreaterOrEqual(t, checked, 10)
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
	for _, check := range []string{"settings", "public URL"} {
		assert.Equal(t, "warning", statuses[check], "%s: %s", service, out)
	}
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

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}
