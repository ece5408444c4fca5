package deploy_test

import (
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

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}
