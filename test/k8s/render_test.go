package k8s_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const root = "../.."

// A variant is an overlay as it is, or with a text of its kustomization replaced.
type variant struct {
	overlay string
	replace []string // old, new …
}

const (
	component = "  - ../../components/"
	consul    = "  - consul/nodes.yaml # or consul/helm.yaml, or consul/cilium.yaml\n"
)

var variants = map[string]variant{
	"dev":  {overlay: "dev"},
	"prod": {overlay: "prod"},
	"prod with the Gateway API": {"prod", []string{
		component + "ingress # or gateway-api\n", component + "gateway-api\n",
	}},
	"prod with Consul by Helm": {"prod", []string{consul, "  - consul/helm.yaml\n"}},
	"prod with Cilium":         {"prod", []string{consul, "  - consul/cilium.yaml\n"}},
	"prod with all that can be left out left out": {"prod", []string{
		component + "autoscaling\n", "", component + "ingress # or gateway-api\n", "",
		component + "monitoring\n", "", component + "tracing\n", "", "  - redis # with the network in redis/networkpolicy.yaml\n", "",
		"  - operator # the command line\n", "",
	}},
}

// folder is for what all tests share; it goes with them.
var folder string

// tree is a copy of k8s/ in which the secrets of development have been made.
var tree = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(folder, "k8s")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "k8s"))); err != nil {
		return "", err
	}
	secrets := filepath.Join(dir, "overlays", "dev", "secrets")
	if err := os.RemoveAll(secrets); err != nil { // somebody's own
		return "", err
	}
	return dir, exec.Command("sh", filepath.Join(dir, "overlays", "dev", "secrets.sh")).Run()
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gatehouse-k8s-")
	if err != nil {
		panic(err)
	}
	folder = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// eachVariant runs the test on the objects of every variant.
func eachVariant(t *testing.T, test func(*testing.T, *objects)) {
	t.Helper()
	for name := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, render(t, name))
		})
	}
}

// render makes the objects of a variant.
func render(t *testing.T, name string) *objects {
	t.Helper()
	all, err := decode(renderYAML(t, variants[name]))
	require.NoError(t, err)
	return all
}

func renderYAML(t *testing.T, v variant) []byte {
	t.Helper()
	dir, err := tree()
	require.NoError(t, err)
	overlay := filepath.Join(dir, "overlays", v.overlay)
	if len(v.replace) > 0 {
		overlay = altered(t, overlay, v.replace)
	}
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	require.NoError(t, err)
	text, err := rendered.AsYaml()
	require.NoError(t, err)
	return text
}

// altered is a copy of an overlay, beside it, with another kustomization.
func altered(t *testing.T, overlay string, replace []string) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(overlay), strings.ReplaceAll(t.Name(), "/", "-"))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.CopyFS(dir, os.DirFS(overlay)))
	path := filepath.Join(dir, "kustomization.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 0; i < len(replace); i += 2 {
		require.Contains(t, string(text), replace[i])
		text = []byte(strings.Replace(string(text), replace[i], replace[i+1], 1))
	}
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return dir
}
