package contract_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// TestTheReadmeWorks runs its commands as somebody would who copies them.
func TestTheReadmeWorks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		testkit.NotRun(t, "the commands of the README need curl: "+err.Error())
	}
	readme := read(t, "README.md")
	require.Contains(t, readme, "\nmake run\n")
	require.Contains(t, readme, "\nmake test\n")
	script := regexp.MustCompile("(?s)```sh\n(gatehouse=http://localhost:8080\n.*?)```").FindStringSubmatch(readme)
	require.NotNil(t, script, "the README has no walk by curl")

	s := system.Standalone(t)
	c := exec.CommandContext(t.Context(), "sh", "-eu", "-c", strings.ReplaceAll(script[1], "http://localhost:8080", s.URL))
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Len(t, answers, 3, "of registering, finishing and asking who is logged in: %s", out)
	for _, answer := range answers {
		assert.Contains(t, answer, `"success":true`)
	}
	assert.Contains(t, answers[2], `"email":"you@example.org"`)
	assert.Contains(t, answers[2], `"name":"Lighthouse"`)
}

// TestTheGuideToTheAPIWorks runs all commands of docs/api.md, in one shell.
func TestTheGuideToTheAPIWorks(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			testkit.NotRun(t, "the commands of docs/api.md need "+program+": "+err.Error())
		}
	}
	var script strings.Builder
	for _, commands := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(read(t, "docs/api.md"), -1) {
		script.WriteString(commands[1])
	}
	s := system.Standalone(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // it waits for mails
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-eu", "-c", strings.ReplaceAll(script.String(), "http://localhost:8080", s.URL))
	c.WaitDelay = time.Second
	c.Env = append(os.Environ(), "PATH="+authenticator(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)

	lines := strings.Split(string(out), "\n")
	count := func(beginning string) (n int) {
		for _, line := range lines {
			if strings.HasPrefix(line, beginning) {
				n++
			}
		}
		return n
	}
	assert.Greater(t, count(`{"success":true`), 15, "%s", out)
	assert.Equal(t, 1, count(`{"success":false`), "the deletion that the guide says is refused: %s", out)
	assert.Equal(t, 1, count(`{"success":false,"error":{"status":409`), "%s", out)
	assert.Contains(t, lines, `{"scope":"auth.code","login_confirmation_channel":1}`)
	assert.Contains(t, lines, `{"name":"Sam Example","impersonated":true}`)
	assert.Contains(t, lines, `"mfa.update"`)
	assert.Contains(t, lines, `["account","consents","exported_time","sessions","tokens"]`)
}

// authenticator is a folder with an oathtool in it: this program under another
// name.
func authenticator(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(dir, oathtool)))
	return dir
}

const oathtool = "oathtool"

// showCode does what oathtool --totp --base32 SECRET does.
func showCode() {
	code, err := totp.GenerateCode(os.Args[len(os.Args)-1], time.Now())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(code)
}

// TestEveryMetricIsExplained compares what a Gatehouse in use tells with
// docs/operations.md.
func TestEveryMetricIsExplained(t *testing.T) {
	t.Parallel()
	s := system.Standalone(t)
	person, _ := s.Register(t, email)
	s.LogIn(t, person)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Debug["gatehouse"]+"/metrics", http.NoBody)
	require.NoError(t, err)
	res, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var text strings.Builder
	require.NoError(t, res.Write(&text))

	explained := read(t, "docs/operations.md")
	found := regexp.MustCompile(`(?m)^# TYPE (gatehouse_\w+)`).FindAllStringSubmatch(text.String(), -1)
	require.Greater(t, len(found), 15)
	for _, metric := range found {
		if !strings.Contains(explained, "`"+metric[1]) {
			t.Errorf("docs/operations.md does not explain %s", metric[1])
		}
	}
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	reasons := strings.ReplaceAll(read(t, "docs/dependencies.md"), "…/otel", "go.opentelemetry.io/otel")
	modules, err := filepath.Glob(filepath.Join(root, "*", "go.mod"))
	require.NoError(t, err)
	below, err := filepath.Glob(filepath.Join(root, "*", "*", "go.mod"))
	require.NoError(t, err)
	require.Greater(t, len(below), 5)
	named := regexp.MustCompile(`(?m)^(?:require |\t)(\S+) v\S+$`) // without "// indirect"
	for _, path := range append(modules, below...) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, module := range named.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(module[1], "github.com/gatehouse-id/") && !strings.Contains(reasons, "`"+module[1]+"`") {
				t.Errorf("%s names %s, docs/dependencies.md does not", path, module[1])
			}
		}
	}
}

// TestLinksLeadSomewhere follows the links between documents.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	require.Greater(t, len(pages), 10)
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, to := range link.FindAllStringSubmatch(string(text), -1) {
			target := page
			if to[1] != "" {
				target = filepath.Join(filepath.Dir(page), to[1])
			}
			there, err := os.ReadFile(target)
			switch {
			case err != nil:
				t.Errorf("%s: %s: %v", page, to[0], err)
			case to[2] != "":
				assert.Contains(t, anchors(string(there)), to[2], "%s: %s", page, to[0])
			}
		}
	}
}

// anchors are the headings of a page, as links name them.
func anchors(page string) []string {
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}
