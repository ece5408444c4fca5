package k8s_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// inTheOperator is a command of docs/kubernetes.md that is run in the operator's pod.
var inTheOperator = regexp.MustCompile(`(?m)^kubectl -n gatehouse exec (?:-it )?deploy/operator -- /gatehouse ([^#\n]*)`)

// TestTheCommandLineWorksInTheCluster runs the commands of docs/kubernetes.md with the
// variables and files of the operator's container, on the databases that the migrations
// made: each service's is its own.
func TestTheCommandLineWorksInTheCluster(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join(root, "docs", "kubernetes.md"))
	require.NoError(t, err)
	commands := inTheOperator.FindAllSubmatch(guide, -1)
	require.GreaterOrEqual(t, len(commands), 3)
	for _, name := range []string{"dev", "prod"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			commandsWork(t, render(t, name), commands)
		})
	}
}

func commandsWork(t *testing.T, o *objects, commands [][][]byte) {
	t.Helper()
	for _, w := range workloads(o) {
		if w.ours() && !w.serves() && !w.operates() {
			out, err := run(t, o, w, "migrate")
			require.NoError(t, err, "%s: %s", w, out)
		}
	}
	w := workloadNamed(t, o, "operator")
	d := find[*appsv1.Deployment](t, o, w.name)
	assert.Zero(t, *d.Spec.Replicas, "it runs although nobody asked for it")
	assert.Equal(t, []string{"wait"}, d.Spec.Template.Spec.Containers[0].Args)
	for _, c := range commands {
		words := strings.Fields(string(c[1]))
		out, err := run(t, o, w, words...)
		if words[0] == "doctor" { // nobody serves, and there is no mail server
			assert.Contains(t, out, "oauth")
			assert.NotContains(t, out, "GATEHOUSE_ROOT_KEY")
			continue
		}
		require.NoError(t, err, "%s: %s", c[1], out)
	}
	assert.Len(t, o.databases, 4)
}

// TestTheCommandLineNeedsTheMigrations shows that the test above can fail.
func TestTheCommandLineNeedsTheMigrations(t *testing.T) {
	t.Parallel()
	o := render(t, "prod")
	out, err := run(t, o, workloadNamed(t, o, "operator"), "user", "invite", "you@example.org")
	require.Error(t, err)
	assert.Contains(t, out, "migrat")
}

// TestDoctorIsTheProofOfTheFirstApply: the command of docs/kubernetes.md takes the
// container's settings, and tells that no agent answers.
func TestDoctorIsTheProofOfTheFirstApply(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join(root, "docs", "kubernetes.md"))
	require.NoError(t, err)
	command := regexp.MustCompile(`(?m)^kubectl -n gatehouse exec deploy/accounts -- (/\S+) (.*)$`).FindSubmatch(guide)
	require.NotNil(t, command)
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	assert.Contains(t, string(dockerfile), `ENTRYPOINT ["`+string(command[1])+`"]`)

	o := render(t, "prod")
	out, err := run(t, o, workloadNamed(t, o, "accounts-migrate"), "migrate")
	require.NoError(t, err, out)
	w := workloadNamed(t, o, "accounts")
	w.pod.Containers[0].Env = append(w.pod.Containers[0].Env, corev1.EnvVar{Name: "CONSUL_HTTP_ADDR", Value: "127.0.0.1:1"})
	out, err = run(t, o, w, strings.Fields(string(command[2]))...)
	require.Error(t, err, out)
	assert.Contains(t, out, "all migrations are there")
	assert.Regexp(t, `failure +consul`, out)
}

func workloadNamed(t *testing.T, o *objects, name string) workload {
	t.Helper()
	for _, w := range workloads(o) {
		if w.name == name {
			return w
		}
	}
	require.Fail(t, "no "+name)
	return workload{}
}
