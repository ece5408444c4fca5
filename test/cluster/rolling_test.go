package cluster_test

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// pairs is a cluster with two processes of each service, under load.
type pairs struct {
	*system.System
	load    *load.Load
	reports []load.Report
}

// TestPairs has two processes of each service, of which one is replaced, killed, of
// the previous version, or wrong about the time: the other one goes on.
func TestPairs(t *testing.T) { //nolint:tparallel // one after the other, under one load
	t.Parallel()
	mails := sink.New(t)
	instances := map[string]int{}
	for _, service := range system.Services() {
		instances[service] = 2
	}
	p := &pairs{System: system.ClusterWith(t, system.ClusterOptions{
		Instances: instances, Sink: mails,
		Environ: []string{"GATEHOUSE_LOG_LEVEL=info", "GATEHOUSE_DRAIN=" + outage(time.Second, 5*time.Second).String()},
	})}
	p.load = load.Start(t, load.Options{System: p.System, Sink: mails, ByConnection: true})
	p.load.AwaitWell(t)
	t.Run("rolling restart", p.rollingRestart)
	t.Run("kill", p.kill)
	t.Run("previous version", p.previousVersion)
	t.Run("wrong clock", p.wrongClock)
	show(t, p.reports)
}

// rollingRestart replaces every process of a cluster, one after the other, and
// nobody notices: no request fails, not even one that is tried again.
func (p *pairs) rollingRestart(t *testing.T) {
	for _, service := range system.Services() {
		report := p.phase(t, "rolling restart of two "+service, func() {
			for _, name := range p.Instances(service) {
				p.replace(t, system.Program{}, name)
				p.load.AwaitWell(t)
			}
		})
		assert.Zero(t, report.Failed, "%s", report)
	}
	p.load.Verify(t, load.Expect{})
}

// kill is a restart without any order: one of two is gone, the other one goes on.
func (p *pairs) kill(t *testing.T) {
	for _, service := range slices.DeleteFunc(system.Services(), func(name string) bool { return name == "gateway" }) {
		p.phase(t, "kill -9 of one of two "+service, func() {
			p.Kill(service + " 2")
			p.load.AwaitWell(t)
			p.Restart(t, service+" 2")
			p.load.AwaitWell(t)
		})
		p.load.Verify(t, load.Expect{Repeats: service == "mail"})
	}
}

// previousVersion has one of two processes of each service be of the previous
// version, as half way through an upgrade: both get their share, and nothing fails.
func (p *pairs) previousVersion(t *testing.T) {
	before := system.BuildPrevious(t)
	if before == nil {
		return // it has been said
	}
	for _, service := range system.Services() {
		p.replace(t, system.Program{Path: before.Path(service)}, service+" 2")
	}
	p.load.Reconnect() // else everybody would stay with the gateway that was not replaced
	p.load.AwaitWell(t)
	calls := p.calls(t)
	report := p.phase(t, "one of two of each service of the previous version", func() {
		last(outage(3*time.Second, time.Minute))
		p.load.AwaitWell(t)
	})
	assert.Zero(t, report.Failed, "%s", report)
	for name, now := range p.calls(t) {
		t.Logf("%s: %.0f calls", name, now-calls[name])
		assert.Greater(t, now, calls[name], "%s is asked nothing", name)
	}
	p.load.Verify(t, load.Expect{})
	for _, service := range system.Services() {
		p.replace(t, system.Program{}, service+" 2")
	}
	p.load.AwaitWell(t)
}

// wrongClock has processes be wrong about the time by a minute, in both directions:
// one of two of each service at once, and in drills of full length each alone.
func (p *pairs) wrongClock(t *testing.T) {
	for _, by := range []string{"60s", "-60s"} {
		off := map[string]string{"60s": "a minute ahead", "-60s": "a minute behind"}[by]
		for _, services := range clocks() {
			name := "clock of one of two " + services[0] + " " + off
			if len(services) > 1 {
				name = "clocks of one of two of each service " + off
			}
			report := p.phase(t, name, func() {
				for _, service := range services {
					wrong := system.BinaryWith(t, service, "skew")
					p.replace(t, system.Program{Path: wrong, Environ: []string{"SKEW=" + by}}, service+" 2")
				}
				p.load.Reconnect()
				p.load.AwaitWell(t)
				last(outage(5*time.Second, 20*time.Second))
				p.load.AwaitWell(t)
			})
			assert.Zero(t, report.Failed, "%s", report)
			p.load.Verify(t, load.Expect{})
			if len(services) == 1 {
				p.replace(t, system.Program{}, services[0]+" 2")
			}
		}
	}
	report := p.phase(t, "all clocks put right", func() {
		for _, service := range system.Services() {
			p.replace(t, system.Program{}, service+" 2")
		}
		p.load.AwaitWell(t)
	})
	assert.Zero(t, report.Failed, "%s", report)
	p.load.Verify(t, load.Expect{})
}

// clocks are the services whose clocks are wrong at the same time.
func clocks() [][]string {
	sets := [][]string{system.Services()}
	if *full {
		for _, service := range system.Services() {
			sets = append(sets, []string{service})
		}
	}
	return sets
}

// replace ends a process in order, and starts another in its place.
func (p *pairs) replace(t *testing.T, program system.Program, name string) {
	t.Helper()
	p.Stop(name)
	p.Change(name, program)
	p.Restart(t, name)
}

func (p *pairs) phase(t *testing.T, name string, do func()) load.Report {
	t.Helper()
	phase := p.load.Phase(name)
	do()
	report := phase.End()
	t.Log(report)
	p.reports = append(p.reports, report)
	return report
}

// calls is how many each process has answered: requests of clients, or calls of
// the other services.
func (p *pairs) calls(t *testing.T) map[string]float64 {
	t.Helper()
	calls := map[string]float64{}
	for _, name := range p.Instances("") {
		metric := "gatehouse_rpc_server_duration_seconds_count"
		if strings.HasPrefix(name, "gateway") {
			metric = "gatehouse_http_request_duration_seconds_count"
		}
		calls[name] = metricOf(t, p.Debug[name], metric)
	}
	return calls
}

// metricOf is a process's metric, summed up over all labels; 0 if there is none.
func metricOf(t *testing.T, debug, metric string) (sum float64) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+debug+"/metrics", http.NoBody)
	require.NoError(t, err)
	res, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		series, text, _ := strings.Cut(lines.Text(), " ")
		if name, _, _ := strings.Cut(series, "{"); name != metric {
			continue
		}
		var value float64
		_, err := fmt.Sscan(text, &value)
		require.NoError(t, err, lines.Text())
		sum += value
	}
	return sum
}
