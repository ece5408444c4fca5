package k8s_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	admission "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// A check says what is wrong with the objects.
type check func(*objects) []string

// checks are the rules that every variant keeps.
var checks = map[string]check{
	"pod security": podSecurity,
	"containers":   containers,
	"pods":         pods,
	"images":       images,
	"memory":       memory,
	"termination":  termination,
	"references":   references,
	"backends":     backends,
	"selectors":    selectors,
	"disruptions":  disruptions,
	"policies":     policies,
	"secrets":      secrets,
	"certificates": certificates,
	"edges":        edges,
	"monitored":    monitored,
}

func TestVariantsKeepTheRules(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, o *objects) {
		for name, check := range checks {
			assert.Empty(t, check(o), name)
		}
	})
}

// podSecurity holds every pod to the restricted Pod Security Standard, as the namespace does.
func podSecurity(o *objects) []string {
	var problems []string
	for _, n := range of[*corev1.Namespace](o) {
		if n.Labels[admission.EnforceLevelLabel] != string(admission.LevelRestricted) {
			problems = append(problems, "the namespace does not enforce the restricted standard")
		}
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return []string{err.Error()}
	}
	restricted := admission.LevelVersion{Level: admission.LevelRestricted, Version: admission.LatestVersion()}
	for _, w := range workloads(o) {
		for _, result := range evaluator.EvaluatePod(restricted, w.meta, w.pod) {
			if !result.Allowed {
				problems = append(problems, fmt.Sprintf("%s: %s: %s", w, result.ForbiddenReason, result.ForbiddenDetail))
			}
		}
		for _, c := range all(w.pod) {
			if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
				problems = append(problems, fmt.Sprintf("%s: %s can write its image", w, c.Name))
			}
		}
	}
	return problems
}

func all(p *corev1.PodSpec) []corev1.Container { return slices.Concat(p.InitContainers, p.Containers) }

// containers have resources, and probes if they serve.
func containers(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		for _, c := range all(w.pod) {
			add := func(problem string) { problems = append(problems, fmt.Sprintf("%s: %s %s", w, c.Name, problem)) }
			for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
				if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
					add("has no request of " + string(name) + " below a limit")
				}
			}
			if !w.serves() {
				continue
			}
			for kind, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
				switch {
				case probe == nil:
					add("has no " + kind + " probe")
				case probe.HTTPGet != nil && !hasPort(c, probe.HTTPGet.Port),
					probe.TCPSocket != nil && !hasPort(c, probe.TCPSocket.Port):
					add("is probed at a port that it does not have")
				}
			}
		}
	}
	return problems
}

func hasPort(c corev1.Container, port intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal
	})
}

// pods have no token of the cluster, and no variables about Services: our programs
// refuse those whose names begin with GATEHOUSE_.
func pods(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		if w.pod.AutomountServiceAccountToken == nil || *w.pod.AutomountServiceAccountToken {
			problems = append(problems, w.String()+" has a token of the cluster")
		}
		if w.pod.EnableServiceLinks == nil || *w.pod.EnableServiceLinks {
			problems = append(problems, w.String()+" has variables about Services")
		}
		for _, spread := range w.pod.TopologySpreadConstraints {
			if !selects(spread.LabelSelector, w.labels) {
				problems = append(problems, w.String()+" spreads others than itself")
			}
			if spread.NodeTaintsPolicy == nil || *spread.NodeTaintsPolicy != corev1.NodeInclusionPolicyHonor {
				problems = append(problems, w.String()+" counts machines on which it may not run")
			}
			if spread.WhenUnsatisfiable != corev1.ScheduleAnyway {
				problems = append(problems, w.String()+" waits for the fullest machine")
			}
		}
		if w.ours() && w.serves() && len(w.pod.TopologySpreadConstraints) == 0 {
			problems = append(problems, w.String()+" does not spread")
		}
	}
	for _, a := range of[*corev1.ServiceAccount](o) {
		if a.AutomountServiceAccountToken == nil || *a.AutomountServiceAccountToken {
			problems = append(problems, "service account "+a.Name+" hands out its token")
		}
	}
	return problems
}

// image is a name without a registry, and a tag.
var image = regexp.MustCompile(`^[a-z0-9-]+(?:/[a-z0-9-]+)?:(\S+)$`)

func images(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		for _, c := range all(w.pod) {
			if found := image.FindStringSubmatch(c.Image); len(found) == 0 || found[1] == "latest" {
				problems = append(problems, fmt.Sprintf("%s: the image %q has no version", w, c.Image))
			}
		}
	}
	return problems
}

// memory tells Go's collector of the limit, and leaves room for what is not its own.
func memory(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		for _, c := range w.pod.Containers {
			if !w.ours() || !w.serves() {
				continue
			}
			values, _ := environment(o, &c)
			told, err := resource.ParseQuantity(strings.TrimSuffix(values["GOMEMLIMIT"], "B"))
			limit := c.Resources.Limits.Memory()
			if share := told.AsApproximateFloat64() / limit.AsApproximateFloat64(); err != nil || share < 0.7 || share > 0.9 {
				problems = append(problems, fmt.Sprintf("%s: GOMEMLIMIT=%s does not suit the limit %s", w, values["GOMEMLIMIT"], limit))
			}
		}
	}
	return problems
}

// overhead is what a process may need between SIGTERM and its end beside the times that
// are set: telling Consul, ten seconds; closing what it holds; flushing traces, five.
const overhead = 20 * time.Second

func termination(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		for _, c := range w.pod.Containers {
			if !w.ours() || !w.serves() {
				continue
			}
			values, _ := environment(o, &c)
			drain, err := time.ParseDuration(values["GATEHOUSE_DRAIN"])
			shutdown, err2 := time.ParseDuration(values["GATEHOUSE_SHUTDOWN"])
			if err != nil || err2 != nil || w.pod.TerminationGracePeriodSeconds == nil {
				problems = append(problems, w.String()+" does not say how long it may take to end")
				continue
			}
			granted := time.Duration(*w.pod.TerminationGracePeriodSeconds) * time.Second
			if needed := drain + 2*shutdown + overhead; granted < needed {
				problems = append(problems, fmt.Sprintf("%s needs %v to end and gets %v", w, needed, granted))
			}
			// Not ready by the probe before the port closes.
			if p := c.ReadinessProbe; p != nil && drain < time.Duration(p.PeriodSeconds)*time.Second {
				problems = append(problems, w.String()+" closes its port before anybody asks whether it is ready")
			}
		}
	}
	return problems
}
