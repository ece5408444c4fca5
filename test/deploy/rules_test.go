package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	for _, path := range files(t, "deploy/prometheus/rules/*.yml") {
		var file struct {
			Groups []struct{ Rules []rule }
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, &file), path)
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	require.NoError(t, err)
	require.NotEmpty(t, found, pattern)
	return found
}

func TestEveryAlertHasARunbookAndATest(t *testing.T) {
	t.Parallel()
	var tests string
	for _, path := range files(t, "deploy/prometheus/tests/*_test.yml") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		tests += string(text)
	}
	alerts := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts[r.Alert] = true
		assert.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], r.Alert)
		assert.NotEmpty(t, r.Annotations["summary"], r.Alert)
		assert.True(t, strings.HasSuffix(r.Annotations["runbook_url"], "/docs/runbooks/"+r.Alert+".md"), r.Alert)
		assert.FileExists(t, filepath.Join(root, "docs", "runbooks", r.Alert+".md"))
		assert.Contains(t, tests, "alertname: "+r.Alert+"\n", r.Alert)
	}
	contents := read(t, "docs/runbooks/README.md")
	for alert := range alerts {
		assert.Contains(t, contents, "("+alert+".md)")
	}
	for _, page := range files(t, "docs/runbooks/*.md") {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		if name == "README" {
			continue
		}
		assert.True(t, alerts[name], "%s has a runbook, and is no alert", name)
	}
}

// TestRulesDoWhatTheyShould runs the unit tests of the rules.
func TestRulesDoWhatTheyShould(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		testkit.NotRun(t, "promtool is not on PATH: the alert rules are not tested")
	}
	for _, command := range [][]string{
		append([]string{"check", "rules"}, files(t, "deploy/prometheus/rules/*.yml")...),
		{"check", "config", "--syntax-only", filepath.Join(root, "deploy", "prometheus", "prometheus.yml")},
		append([]string{"test", "rules"}, files(t, "deploy/prometheus/tests/*_test.yml")...),
	} {
		out, err := exec.CommandContext(t.Context(), promtool, command...).CombinedOutput()
		require.NoError(t, err, "promtool %s\n%s", strings.Join(command, " "), out)
	}
}
