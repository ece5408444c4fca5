package k8s_test

import (
	"strings"
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// broken are mistakes, each of which one check has to find, with a part of what it says.
var broken = map[string]struct {
	check, says string
	make        func(*mistake)
}{
	"root":                  {"pod security", "runAsNonRoot", func(m *mistake) { m.spec.SecurityContext.RunAsNonRoot = nil }},
	"no seccomp profile":    {"pod security", "seccompProfile", func(m *mistake) { m.spec.SecurityContext.SeccompProfile = nil }},
	"capabilities":          {"pod security", "capabilities", func(m *mistake) { m.container.SecurityContext.Capabilities = nil }},
	"privileges":            {"pod security", "allowPrivilegeEscalation", func(m *mistake) { m.container.SecurityContext.AllowPrivilegeEscalation = nil }},
	"a folder of the node":  {"pod security", "hostPath", func(m *mistake) { m.volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}) }},
	"an image to write":     {"pod security", "write", func(m *mistake) { m.container.SecurityContext.ReadOnlyRootFilesystem = nil }},
	"a lax namespace":       {"pod security", "namespace", func(m *mistake) { of[*corev1.Namespace](m.objects)[0].Labels = nil }},
	"no limit":              {"containers", "memory", func(m *mistake) { delete(m.container.Resources.Limits, corev1.ResourceMemory) }},
	"more than the limit":   {"containers", "cpu", func(m *mistake) { m.container.Resources.Requests[corev1.ResourceCPU] = resource.MustParse("9") }},
	"no readiness":          {"containers", "readiness", func(m *mistake) { m.container.ReadinessProbe = nil }},
	"no liveness":           {"containers", "liveness", func(m *mistake) { m.container.LivenessProbe = nil }},
	"no startup":            {"containers", "startup", func(m *mistake) { m.container.StartupProbe = nil }},
	"a probe of nothing":    {"containers", "port", func(m *mistake) { m.container.ReadinessProbe.HTTPGet.Port = intstr.FromString("metrics") }},
	"a token":               {"pods", "token", func(m *mistake) { m.spec.AutomountServiceAccountToken = nil }},
	"a token for all":       {"pods", "token", func(m *mistake) { of[*corev1.ServiceAccount](m.objects)[0].AutomountServiceAccountToken = nil }},
	"variables of Services": {"pods", "variables", func(m *mistake) { m.spec.EnableServiceLinks = nil }},
	"all on one machine":    {"pods", "spread", func(m *mistake) { m.spec.TopologySpreadConstraints = nil }},
	"others are spread": {"pods", "spreads others", func(m *mistake) {
		m.spec.TopologySpreadConstraints[0].LabelSelector = exactly(map[string]string{"a": "b"})
	}},
	"tainted machines count": {"pods", "may not run", func(m *mistake) { m.spec.TopologySpreadConstraints[1].NodeTaintsPolicy = nil }},
	"a full machine stops all": {"pods", "fullest", func(m *mistake) {
		m.spec.TopologySpreadConstraints[0].WhenUnsatisfiable = corev1.DoNotSchedule
	}},
	"latest":               {"images", "latest", func(m *mistake) { m.container.Image = "gatehouse/accounts:latest" }},
	"no tag":               {"images", "accounts", func(m *mistake) { m.container.Image = "gatehouse/accounts" }},
	"no room for the rest": {"memory", "GOMEMLIMIT", func(m *mistake) { m.container.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("330Mi") }},
	"memory untold":        {"memory", "GOMEMLIMIT", func(m *mistake) { m.set("GOMEMLIMIT", "") }},
	"killed in flight":     {"termination", "gets 1m0s", func(m *mistake) { *m.spec.TerminationGracePeriodSeconds = 60 }},
	"a long drain":         {"termination", "needs", func(m *mistake) { m.settings.Data["GATEHOUSE_DRAIN"] = "60s" }},
	"no drain":             {"termination", "closes its port", func(m *mistake) { m.settings.Data["GATEHOUSE_DRAIN"] = "1s" }},
	"no such account":      {"references", "service account nobody", func(m *mistake) { m.spec.ServiceAccountName = "nobody" }},
	"the default account":  {"references", "of its own", func(m *mistake) { m.spec.ServiceAccountName = "" }},
	"no such ConfigMap":    {"references", "ConfigMap none", func(m *mistake) { m.container.EnvFrom[0].ConfigMapRef.Name = "none" }},
	"no such Secret": {"references", "Secret none", func(m *mistake) {
		m.volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "none"}})
	}},
	"no such key":          {"references", "nothing is mounted", func(m *mistake) { m.set("GATEHOUSE_TLS_CA", "/etc/gatehouse/tls/authorities") }},
	"not mounted":          {"references", "nothing is mounted", func(m *mistake) { m.container.VolumeMounts = nil }},
	"a secret variable":    {"references", "without a file", func(m *mistake) { m.from("GATEHOUSE_ROOT_KEY") }},
	"scaled and set":       {"references", "sets the replicas", func(m *mistake) { m.deployment.Spec.Replicas = new(int32(2)) }},
	"scales nothing":       {"references", "no target", func(m *mistake) { m.autoscaler.Spec.ScaleTargetRef.Name = "none" }},
	"scales to one":        {"references", "two replicas", func(m *mistake) { *m.autoscaler.Spec.MinReplicas = 1 }},
	"an edge to nowhere":   {"backends", "Ingress", func(m *mistake) { m.ingress().Backend.Service.Name = "portal" }},
	"an edge to no port":   {"backends", "Ingress", func(m *mistake) { m.ingress().Backend.Service.Port.Name = "https" }},
	"another name outside": {"backends", "GATEHOUSE_PUBLIC_URL", func(m *mistake) { m.settings.Data["GATEHOUSE_PUBLIC_URL"] = "https://login.example.org" }},
	"monitored nothing":    {"backends", "ServiceMonitor", func(m *mistake) { of[*monitoring.ServiceMonitor](m.objects)[0].Spec.Endpoints[0].Port = "metrics" }},
	"other labels":         {"selectors", "own pods", func(m *mistake) { m.deployment.Spec.Selector = exactly(map[string]string{"app": "accounts"}) }},
	"a Service for nobody": {"selectors", "nothing has the port", func(m *mistake) { m.service.Spec.Selector = map[string]string{"app": "accounts"} }},
	"a Service for Jobs, too": {"selectors", "sends requests to", func(m *mistake) {
		m.service.Spec.Selector = map[string]string{"app.kubernetes.io/part-of": "gatehouse"}
	}},
	"a budget for nobody":   {"selectors", "selects nothing", func(m *mistake) { m.budget.Spec.Selector = exactly(map[string]string{"app": "accounts"}) }},
	"no budget":             {"disruptions", "evicted", func(m *mistake) { m.budget.Spec.Selector = exactly(map[string]string{"app": "accounts"}) }},
	"a budget without room": {"disruptions", "evicted", func(m *mistake) { *m.budget.Spec.MaxUnavailable = intstr.FromInt32(0) }},
	"a replica stops first": {"disruptions", "stopping", func(m *mistake) { *m.deployment.Spec.Strategy.RollingUpdate.MaxUnavailable = intstr.FromInt32(1) }},
	"nothing is closed":     {"policies", "is open", func(m *mistake) { m.policy("default-deny").Spec.PodSelector = *exactly(map[string]string{"app": "a"}) }},
	"a policy for nobody":   {"policies", "selects nothing", func(m *mistake) { m.policy("oauth").Spec.PodSelector = *exactly(map[string]string{"app": "a"}) }},
	"a policy about nobody": {"policies", "names nobody", func(m *mistake) {
		m.policy("oauth").Spec.Ingress[0].From[0].PodSelector = exactly(map[string]string{"app": "a"})
	}},
	"everybody may come in":    {"policies", "lets in everybody", func(m *mistake) { m.policy("oauth").Spec.Ingress[0].From = nil }},
	"all ports are open":       {"policies", "lets out to", func(m *mistake) { m.policy("oauth").Spec.Egress[0].Ports = nil }},
	"Consul is kept out":       {"policies", "Consul", func(m *mistake) { m.policy("to-consul").Spec.Ingress[0].Ports[0].Port.IntVal = 9091 }},
	"a password in the open":   {"secrets", "GATEHOUSE_DATABASE_URL", func(m *mistake) { m.set("GATEHOUSE_DATABASE_URL", "postgres://gatehouse:hunter2@db/gatehouse") }},
	"a key among the settings": {"secrets", "GATEHOUSE_ROOT_KEY", func(m *mistake) { m.settings.Data["GATEHOUSE_ROOT_KEY"] = "c2VjcmV0" }},
	"a Secret in production":   {"secrets", "in the repository", func(m *mistake) { m.objects.all = append(m.objects.all, &corev1.Secret{}) }},
	"another's certificate":    {"certificates", "accounts", func(m *mistake) { m.certificate("accounts").Spec.DNSNames[0] = "mail.gatehouse.internal" }},
	"a certificate for all":    {"certificates", "accounts", func(m *mistake) { m.certificate("accounts").Spec.DNSNames[0] = "*.gatehouse.internal" }},
	"a server's only": {"certificates", "accounts", func(m *mistake) {
		m.certificate("accounts").Spec.Usages = []certmanager.KeyUsage{certmanager.UsageServerAuth}
	}},
	"pictures are too large": {"edges", "bytes", func(m *mistake) {
		find[*networkingv1.Ingress](m.t, m.objects, "gateway").Annotations[bodySize] = "5m"
	}},
	"a body size of the controller": {"edges", "bytes", func(m *mistake) {
		delete(find[*networkingv1.Ingress](m.t, m.objects, "gateway").Annotations, bodySize)
	}},
	"unheard of by Prometheus": {"monitored", "release", func(m *mistake) {
		of[*monitoring.PrometheusRule](m.objects)[0].Labels = nil
	}},
	"labels are renamed": {"monitored", "exported_service", func(m *mistake) {
		of[*monitoring.ServiceMonitor](m.objects)[0].Spec.Endpoints[0].HonorLabels = false
	}},
	"no certificate": {"certificates", "no certificate", func(m *mistake) { m.certificate("accounts").Spec.SecretName = "other" }},
}

func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for name, c := range broken {
		tried[c.check] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := render(t, "prod")
			require.Empty(t, checks[c.check](o))
			c.make(newMistake(t, o))
			assert.Contains(t, strings.Join(checks[c.check](o), "\n"), c.says)
		})
	}
	for name := range checks {
		assert.True(t, tried[name], "nothing shows that %q can fail", name)
	}
}

// mistake is made in one of these, which are of the accounts service.
type mistake struct {
	t           *testing.T
	objects     *objects
	deployment  *appsv1.Deployment
	spec        *corev1.PodSpec
	container   *corev1.Container
	settings    *corev1.ConfigMap // of all services
	service     *corev1.Service
	budget      *policyv1.PodDisruptionBudget
	autoscaler  *autoscalingv2.HorizontalPodAutoscaler
	certificate func(string) *certmanager.Certificate
	policy      func(string) *networkingv1.NetworkPolicy
}

func newMistake(t *testing.T, o *objects) *mistake {
	t.Helper()
	d := find[*appsv1.Deployment](t, o, "accounts")
	c := &d.Spec.Template.Spec.Containers[0]
	return &mistake{
		t: t, objects: o, deployment: d, spec: &d.Spec.Template.Spec, container: c,
		settings:    find[*corev1.ConfigMap](t, o, c.EnvFrom[0].ConfigMapRef.Name),
		service:     find[*corev1.Service](t, o, "accounts"),
		budget:      find[*policyv1.PodDisruptionBudget](t, o, "accounts"),
		autoscaler:  find[*autoscalingv2.HorizontalPodAutoscaler](t, o, "accounts"),
		certificate: func(name string) *certmanager.Certificate { return find[*certmanager.Certificate](t, o, name) },
		policy:      func(name string) *networkingv1.NetworkPolicy { return find[*networkingv1.NetworkPolicy](t, o, name) },
	}
}

func find[T interface {
	runtime.Object
	metav1.Object
}](t *testing.T, o *objects, name string) T {
	t.Helper()
	found, ok := named[T](o, name)
	require.True(t, ok, name)
	return found
}

func (m *mistake) ingress() *networkingv1.HTTPIngressPath {
	return &find[*networkingv1.Ingress](m.t, m.objects, "gateway").Spec.Rules[0].HTTP.Paths[0]
}

func (m *mistake) volume(source corev1.VolumeSource) {
	m.spec.Volumes = append(m.spec.Volumes, corev1.Volume{Name: "other", VolumeSource: source})
}

func (m *mistake) set(name, value string) {
	m.container.Env = append(m.container.Env, corev1.EnvVar{Name: name, Value: value})
}

func (m *mistake) from(name string) {
	m.container.Env = append(m.container.Env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{Key: "root-key"},
	}})
}

// TestDecodingIsStrict: what the API server would drop in silence is an error.
func TestDecodingIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown field":            "apiVersion: apps/v1\nkind: Deployment\nspec: {replica: 2}",
		"field twice":              "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 2\n  replicas: 3",
		"unknown kind":             "apiVersion: apps/v1\nkind: Deploymant",
		"old version":              "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler",
		"wrong type":               "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: two}",
		"unknown certificate":      "apiVersion: cert-manager.io/v1\nkind: Certificate\nspec: {dnsName: [a]}",
		"unknown monitor":          "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nspec: {endpoint: []}",
		"unknown field of a route": "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nspec: {hosts: [a]}",
	} {
		_, err := decode([]byte(text))
		assert.Error(t, err, name)
	}
}
