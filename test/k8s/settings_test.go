package k8s_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// programs is a folder with the services' programs.
var programs = sync.OnceValues(func() (string, error) {
	commands, err := filepath.Glob(filepath.Join(root, "services", "*", "cmd", "*"))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(folder, "bin")
	arguments := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", dir + "/"} // compiled as in make build, whose cache it shares
	for _, command := range commands {
		below, err := filepath.Rel(root, command)
		if err != nil {
			return "", err
		}
		arguments = append(arguments, "./"+below)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", arguments...)
	c.Dir = root
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return dir, nil
})

// TestProgramsTakeTheirSettings gives each program the variables and files of its
// container: the services check them, and the migrations run.
func TestProgramsTakeTheirSettings(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, o *objects) {
		for _, w := range workloads(o) {
			if !w.ours() || w.operates() {
				continue
			}
			c := &w.pod.Containers[0]
			command := "check-config"
			if !w.serves() {
				command = "migrate"
			}
			require.Equal(t, []string{map[bool]string{true: "serve", false: "migrate"}[w.serves()]}, c.Args)
			out, err := run(t, o, w, command)
			require.NoError(t, err, "%s: %s", w, out)
			if !w.serves() {
				assert.Contains(t, out, "the database is up to date")
			}
		}
	})
}

// TestAWrongSettingIsFound shows that the test above can fail.
func TestAWrongSettingIsFound(t *testing.T) {
	t.Parallel()
	o := render(t, "prod")
	for _, d := range of[*appsv1.Deployment](o) {
		c := &d.Spec.Template.Spec.Containers[0]
		c.Env = append(c.Env, corev1.EnvVar{Name: "GATEHOUSE_LOGLEVEL", Value: "debug"})
	}
	for _, w := range workloads(o) {
		if w.ours() && w.serves() {
			out, err := run(t, o, w, "check-config")
			require.Error(t, err)
			assert.Contains(t, out, "GATEHOUSE_LOGLEVEL")
		}
	}
}

// run runs a container's program, with its volumes in a folder of the test.
func run(t *testing.T, o *objects, w workload, command ...string) (string, error) {
	t.Helper()
	bin, err := programs()
	require.NoError(t, err)
	c := &w.pod.Containers[0]
	values, missing := environment(o, c)
	require.Empty(t, missing)
	dir := t.TempDir()
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(w.pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		require.GreaterOrEqual(t, i, 0)
		if s := w.pod.Volumes[i].Secret; s != nil {
			folder := filepath.Join(dir, m.MountPath)
			require.NoError(t, os.MkdirAll(folder, 0o700))
			for key, value := range sample(t, o, s.SecretName) {
				require.NoError(t, os.WriteFile(filepath.Join(folder, key), value, 0o600))
			}
		}
	}
	program := strings.TrimPrefix(strings.SplitN(c.Image, ":", 2)[0], "gatehouse/")
	execution := exec.CommandContext(t.Context(), filepath.Join(bin, program), command...)
	for name, value := range values {
		if strings.HasPrefix(value, "/etc/") {
			value = filepath.Join(dir, value)
		}
		execution.Env = append(execution.Env, name+"="+value)
	}
	if command[0] != "check-config" { // nobody collects
		execution.Env = append(execution.Env, "OTEL_EXPORTER_OTLP_ENDPOINT=")
	}
	out, err := execution.CombinedOutput()
	return string(out), err
}

// sample is what could be in a Secret. What the overlay does not make is taken from the
// secrets of development, or made up.
func sample(t *testing.T, o *objects, name string) map[string][]byte {
	t.Helper()
	if strings.Contains(name, "-database") {
		if o.databases[name] == "" {
			o.databases[name] = testkit.DatabaseURL(t, db.Postgres)
		}
		return map[string][]byte{"url": []byte(o.databases[name])}
	}
	if s, ok := named[*corev1.Secret](o, name); ok {
		return s.Data
	}
	copied, err := tree()
	require.NoError(t, err)
	read := func(file string) []byte {
		text, err := os.ReadFile(filepath.Join(copied, "overlays", "dev", "secrets", file))
		require.NoError(t, err)
		return text
	}
	if service, ok := strings.CutSuffix(name, "-tls"); ok {
		return map[string][]byte{"tls.crt": read(service + ".crt"), "tls.key": read(service + ".key"), "ca.crt": read("ca.crt")}
	}
	made := map[string][]byte{}
	for _, key := range keys(o, name) {
		made[key] = []byte("made-up")
	}
	switch name {
	case "root-key":
		made["root-key"] = read("root-key")
	case "redis":
		made["url"] = []byte("rediss://gatehouse:made-up@redis.example.org:6379/0")
	}
	return made
}

var reference = regexp.MustCompile(`\$\(([A-Z_]+)\)`)

// expand replaces $(NAME) as Kubernetes does: by what was set before.
func expand(value string, known map[string]string) string {
	return reference.ReplaceAllStringFunc(value, func(r string) string {
		if v, ok := known[r[2:len(r)-1]]; ok {
			return v
		}
		return r
	})
}

// secretTag finds settings that hold secrets.
var secretTag = regexp.MustCompile(`env:"([A-Z0-9_]+)[^"]*"[^` + "`" + `]* secret:"true"`)

var secretSettings = sync.OnceValue(func() []string {
	var found []string
	for _, pattern := range []string{"pkg/*/*.go", "services/*/*.go", "services/*/internal/*/*.go"} {
		files, _ := filepath.Glob(filepath.Join(root, pattern)) // the pattern is good
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil || strings.HasSuffix(path, "_test.go") {
				continue
			}
			for _, setting := range secretTag.FindAllStringSubmatch(string(text), -1) {
				found = append(found, setting[1])
			}
		}
	}
	return found
})

// secrets are no text of an object: settings that are secret come from files, and only
// development, whose secrets each installation makes by itself, has Secrets.
func secrets(o *objects) []string {
	var problems []string
	settings := secretSettings()
	if !slices.Contains(settings, "GATEHOUSE_ROOT_KEY") || !slices.Contains(settings, "GATEHOUSE_SMTP_PASSWORD") {
		return []string{"which settings are secret cannot be read any more"}
	}
	for _, w := range workloads(o) {
		for _, c := range all(w.pod) {
			values, _ := environment(o, &c)
			for name := range values {
				if slices.Contains(settings, name) {
					problems = append(problems, fmt.Sprintf("%s: the secret %s is in the open", w, name))
				}
			}
		}
	}
	_, development := named[*appsv1.StatefulSet](o, "postgres")
	for _, s := range of[*corev1.Secret](o) {
		if !development {
			problems = append(problems, "the Secret "+s.Name+" is in the repository")
		}
	}
	return problems
}

// certificates name exactly their service, as pkg/mtls asks for, and serve both ends of a call.
func certificates(o *objects) []string {
	var problems []string
	issued := of[*certmanager.Certificate](o)
	if len(issued) == 0 {
		return nil // they come with the Secrets
	}
	for _, service := range serviceNames {
		i := slices.IndexFunc(issued, func(c *certmanager.Certificate) bool { return c.Spec.SecretName == service+"-tls" })
		if i < 0 {
			problems = append(problems, "no certificate for "+service)
			continue
		}
		c := issued[i].Spec
		if !slices.Equal(c.DNSNames, []string{service + "." + domain()}) || c.IsCA ||
			!slices.Contains(c.Usages, certmanager.UsageClientAuth) || !slices.Contains(c.Usages, certmanager.UsageServerAuth) {
			problems = append(problems, "the certificate of "+service+" is not for that")
		}
	}
	return problems
}

var domainConstant = regexp.MustCompile(`(?m)^const Domain = "(\S+)"$`)

// domain is mtls.Domain, by its text.
func domain() string {
	text, err := os.ReadFile(filepath.Join(root, "pkg", "mtls", "peer.go"))
	if found := domainConstant.FindSubmatch(text); err == nil && found != nil {
		return string(found[1])
	}
	return ""
}

func deployment(o *objects, name string) (*appsv1.Deployment, bool) {
	return named[*appsv1.Deployment](o, name)
}
