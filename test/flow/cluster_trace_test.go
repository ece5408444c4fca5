package flow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestOneTraceAcrossProcesses asserts that a login is one trace through the
// gateway, accounts, sessions and their databases, over the wire.
func TestOneTraceAcrossProcesses(t *testing.T) {
	t.Parallel()
	collector := system.NewCollector(t)
	s := system.ClusterWith(t, system.ClusterOptions{Environ: []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_BSP_SCHEDULE_DELAY=100",
	}})
	person, _ := s.Register(t, "spans@example.org")
	login := s.LogIn(t, person)

	want := []string{
		"gateway POST /v1/auth", "gateway accounts.Authenticate", "accounts accounts.Authenticate", "accounts SELECT accounts",
		"gateway sessions.Create", "sessions sessions.Create", "sessions INSERT sessions", "gateway accounts.Admit",
	}
	var got []string
	system.Eventually(t, "the trace of the login", func() bool {
		got = traceOf(collector.Spans(), "POST /v1/auth")
		return !slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(got, name) })
	})

	var all strings.Builder
	for _, span := range collector.Spans() {
		fmt.Fprintln(&all, span.Name, span.Attributes)
	}
	for _, secret := range []string{person.Password, login.Token} {
		require.NotEmpty(t, secret)
		assert.NotContains(t, all.String(), secret)
		assert.NotContains(t, s.Logs.String(), secret)
	}
}

// traceOf lists the spans ("service name") that hang together below the root of
// the name, whose trace has no other root.
func traceOf(spans []system.Span, root string) []string {
	var names []string
	for _, r := range spans {
		if r.Name != root || r.Parent != "" {
			continue
		}
		below := map[string]bool{r.ID: true}
		names = []string{r.Service + " " + r.Name}
		for grown := true; grown; {
			grown = false
			for _, s := range spans {
				if s.Trace == r.Trace && below[s.Parent] && !below[s.ID] {
					below[s.ID], grown = true, true
					names = append(names, s.Service+" "+s.Name)
				}
			}
		}
	}
	return names
}
