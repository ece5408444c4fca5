package k8s_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

var jobs = regexp.MustCompile(`job=~"([^"]+)"`)

// TestTheRulesMatchTheJobs computes the label job as the Prometheus operator does, and
// compares it with what the alerts ask for, and with the name in docker-compose.yml.
func TestTheRulesMatchTheJobs(t *testing.T) {
	t.Parallel()
	o := render(t, "prod")
	monitors := of[*monitoringv1.ServiceMonitor](o)
	require.Len(t, monitors, 1)
	m := monitors[0]
	selector := labels.SelectorFromSet(m.Spec.Selector.MatchLabels)
	found := []string{}
	for _, s := range of[*corev1.Service](o) {
		if !selector.Matches(labels.Set(s.Labels)) {
			continue
		}
		job := s.Labels[m.Spec.JobLabel]
		if job == "" { // the operator's own rule
			job = s.Name
		}
		found = append(found, job)
		for _, e := range m.Spec.Endpoints {
			assert.Empty(t, e.RelabelConfigs)
			assert.True(t, slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == e.Port }), "%s has no port %s", s.Name, e.Port)
		}
	}
	assert.ElementsMatch(t, serviceNames, found, "each service once")

	asked := jobs.FindAllStringSubmatch(alerts(t, o), -1)
	require.NotEmpty(t, asked)
	for _, ask := range asked {
		for _, job := range found {
			assert.Regexp(t, "^(?:"+ask[1]+")$", job)
		}
	}

	var compose struct {
		ScrapeConfigs []struct {
			DNS []struct{ Names []string } `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy", "prometheus", "prometheus.yml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &compose))
	assert.ElementsMatch(t, found, compose.ScrapeConfigs[0].DNS[0].Names, "the jobs of the compose file")
}

// alerts are the expressions of all rules.
func alerts(t *testing.T, o *objects) string {
	t.Helper()
	var all string
	for _, r := range of[*monitoringv1.PrometheusRule](o) {
		for _, g := range r.Spec.Groups {
			for _, rule := range g.Rules {
				all += rule.Expr.String() + "\n"
			}
		}
	}
	return all
}

// monitored: the chart kube-prometheus-stack chooses by the label release what it reads,
// and the alerts' label service is that of the metrics, which the operator would rename.
// That no metric has a label of its target's, which would win, is for test/deploy.
func monitored(o *objects) []string {
	var problems []string
	chosen := func(kind string, labels map[string]string) {
		if labels["release"] == "" {
			problems = append(problems, kind+" has no label release")
		}
	}
	for _, m := range of[*monitoringv1.ServiceMonitor](o) {
		chosen("ServiceMonitor", m.Labels)
		for _, e := range m.Spec.Endpoints {
			if !e.HonorLabels {
				problems = append(problems, "the label service becomes exported_service")
			}
		}
	}
	for _, r := range of[*monitoringv1.PrometheusRule](o) {
		chosen("PrometheusRule", r.Labels)
	}
	return problems
}
