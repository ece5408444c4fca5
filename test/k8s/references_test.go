package k8s_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// bring is a row of the table in docs/kubernetes.md of Secrets that operators bring.
var bring = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `([a-z-]+)` \\|")

// keys are those of a Secret, of whomever makes it.
func keys(o *objects, secret string) []string {
	if s, ok := named[*corev1.Secret](o, secret); ok {
		var found []string
		for key := range s.Data {
			found = append(found, key)
		}
		return found
	}
	for _, c := range of[*certmanager.Certificate](o) {
		if c.Spec.SecretName == secret {
			return []string{"tls.crt", "tls.key", "ca.crt"}
		}
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "kubernetes.md"))
	if err != nil {
		return nil
	}
	var found []string
	for _, row := range bring.FindAllStringSubmatch(string(page), -1) {
		if row[1] == secret {
			found = append(found, row[2])
		}
	}
	return found
}

// references: what a pod names is there, with the key, and at the path that a setting says.
func references(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		add := func(format string, args ...any) {
			problems = append(problems, w.String()+": "+fmt.Sprintf(format, args...))
		}
		if name := w.pod.ServiceAccountName; name != "" {
			if _, ok := named[*corev1.ServiceAccount](o, name); !ok {
				add("no service account %s", name)
			}
		} else if w.ours() {
			add("no service account of its own")
		}
		for _, v := range w.pod.Volumes {
			if v.Secret != nil && len(keys(o, v.Secret.SecretName)) == 0 {
				add("nobody makes the Secret %s", v.Secret.SecretName)
			}
			if v.ConfigMap != nil {
				if _, ok := named[*corev1.ConfigMap](o, v.ConfigMap.Name); !ok {
					add("no ConfigMap %s", v.ConfigMap.Name)
				}
			}
		}
		for _, c := range all(w.pod) {
			values, missing := environment(o, &c)
			for _, name := range missing {
				add("no ConfigMap %s", name)
			}
			for name, value := range values {
				if strings.HasPrefix(value, "/etc/gatehouse/") && !mounted(o, w.pod, c, value) {
					add("nothing is mounted at %s=%s", name, value)
				}
			}
			for _, e := range c.Env {
				if e.ValueFrom != nil && (e.ValueFrom.SecretKeyRef != nil || e.ValueFrom.ConfigMapKeyRef != nil) {
					add("%s comes from a Secret without a file", e.Name)
				}
			}
		}
	}
	return append(problems, scaled(o)...)
}

// mounted tells whether a path is that of a Secret's key.
func mounted(o *objects, p *corev1.PodSpec, c corev1.Container, path string) bool {
	for _, m := range c.VolumeMounts {
		key, ok := strings.CutPrefix(path, m.MountPath+"/")
		i := slices.IndexFunc(p.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if ok && i >= 0 && p.Volumes[i].Secret != nil && slices.Contains(keys(o, p.Volumes[i].Secret.SecretName), key) {
			return true
		}
	}
	return false
}

// scaled are autoscalers' targets, which must not say how many they are.
func scaled(o *objects) []string {
	var problems []string
	for _, h := range of[*autoscalingv2.HorizontalPodAutoscaler](o) {
		target := h.Spec.ScaleTargetRef
		d, ok := deployment(o, target.Name)
		switch {
		case !ok || target.Kind != "Deployment":
			problems = append(problems, "autoscaler "+h.Name+" has no target")
		case d.Spec.Replicas != nil:
			problems = append(problems, "applying sets the replicas of "+h.Name+" back")
		case h.Spec.MinReplicas == nil || *h.Spec.MinReplicas < 2 || *h.Spec.MinReplicas > h.Spec.MaxReplicas:
			problems = append(problems, "autoscaler "+h.Name+" goes below two replicas")
		}
	}
	return problems
}

// backends: what leads to a Service leads to one that is there, with that port.
func backends(o *objects) []string {
	var problems []string
	need := func(who, service string, found func(corev1.ServicePort) bool) {
		s, ok := named[*corev1.Service](o, service)
		if !ok || !slices.ContainsFunc(s.Spec.Ports, found) {
			problems = append(problems, who+" leads to no Service")
		}
	}
	for _, i := range of[*networkingv1.Ingress](o) {
		for _, rule := range i.Spec.Rules {
			for _, path := range rule.HTTP.Paths {
				backend := path.Backend.Service
				need("Ingress "+i.Name, backend.Name, func(p corev1.ServicePort) bool { return p.Name == backend.Port.Name })
			}
			problems = append(problems, public(o, "Ingress "+i.Name, rule.Host)...)
		}
	}
	for _, r := range of[*gateway.HTTPRoute](o) {
		for _, rule := range r.Spec.Rules {
			for _, backend := range rule.BackendRefs {
				need("HTTPRoute "+r.Name, string(backend.Name), func(p corev1.ServicePort) bool { return backend.Port != nil && p.Port == *backend.Port })
			}
		}
		for _, host := range r.Spec.Hostnames {
			problems = append(problems, public(o, "HTTPRoute "+r.Name, string(host))...)
		}
	}
	for _, m := range of[*monitoring.ServiceMonitor](o) {
		found := 0
		for _, s := range of[*corev1.Service](o) {
			for _, e := range m.Spec.Endpoints {
				if selects(&m.Spec.Selector, s.Labels) && slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == e.Port }) {
					found++
				}
			}
		}
		if found != len(serviceNames) {
			problems = append(problems, fmt.Sprintf("ServiceMonitor %s finds %d services", m.Name, found))
		}
	}
	return problems
}

// public: the edge has the name that the settings say.
func public(o *objects, who, host string) []string {
	for _, c := range of[*corev1.ConfigMap](o) {
		if url, ok := c.Data["GATEHOUSE_PUBLIC_URL"]; ok && url != "https://"+host {
			return []string{fmt.Sprintf("%s is for %s, and GATEHOUSE_PUBLIC_URL is %s", who, host, url)}
		}
	}
	return nil
}

// selectors choose something.
func selectors(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		if w.selector != nil && !selects(w.selector, w.labels) {
			problems = append(problems, w.String()+" does not select its own pods")
		}
	}
	for _, s := range of[*corev1.Service](o) {
		for _, p := range s.Spec.Ports {
			if !slices.ContainsFunc(workloads(o), func(w workload) bool {
				return w.serves() && labels.SelectorFromSet(s.Spec.Selector).Matches(w.labels) && hasPort(w.pod.Containers[0], p.TargetPort)
			}) {
				problems = append(problems, fmt.Sprintf("Service %s: nothing has the port %s", s.Name, p.Name))
			}
		}
		for _, w := range workloads(o) {
			if !w.serves() && labels.SelectorFromSet(s.Spec.Selector).Matches(w.labels) {
				problems = append(problems, fmt.Sprintf("Service %s sends requests to %s", s.Name, w))
			}
		}
	}
	for _, b := range of[*policyv1.PodDisruptionBudget](o) {
		if !anyWorkload(o, b.Spec.Selector) {
			problems = append(problems, "PodDisruptionBudget "+b.Name+" selects nothing")
		}
	}
	return problems
}

// disruptions: every service has a budget, which leaves room for an eviction.
func disruptions(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		if !w.ours() || !w.serves() {
			continue
		}
		i := slices.IndexFunc(of[*policyv1.PodDisruptionBudget](o), func(b *policyv1.PodDisruptionBudget) bool { return selects(b.Spec.Selector, w.labels) })
		if i < 0 || of[*policyv1.PodDisruptionBudget](o)[i].Spec.MaxUnavailable.IntValue() != 1 {
			problems = append(problems, w.String()+" may be evicted as a whole, or not at all")
		}
		d, _ := deployment(o, w.name)
		if d == nil || d.Spec.Strategy.RollingUpdate == nil || d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
			problems = append(problems, w.String()+" is updated by stopping a replica first")
		}
	}
	return problems
}
