package cluster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// pairs is a cluster with two processes of each service, under load.
func pairs(t *testing.T) (*system.System, *load.Load) {
	t.Helper()
	mails := sink.New(t)
	instances := map[string]int{}
	for _, service := range system.Services() {
		instances[service] = 2
	}
	s := system.ClusterWith(t, system.ClusterOptions{
		Instances: instances, Sink: mails,
		Environ: []string{"GATEHOUSE_LOG_LEVEL=info", "GATEHOUSE_DRAIN=" + outage(time.Second, 5*time.Second).String()},
	})
	l := load.Start(t, load.Options{System: s, Sink: mails, ByConnection: true})
	l.AwaitWell(t)
	return s, l
}

// TestRollingRestart replaces every process of a cluster, one after the other,
// and nobody notices: no request fails, not even one that is tried again.
func TestRollingRestart(t *testing.T) {
	s, l := pairs(t)
	var reports []load.Report
	for _, service := range system.Services() {
		phase := l.Phase("rolling restart of " + service)
		for _, name := range s.Instances(service) {
			s.Stop(name)
			s.Restart(t, name)
			l.AwaitWell(t)
		}
		report := phase.End()
		reports = append(reports, report)
		assert.Zero(t, report.Failed, "%s", report)
	}
	l.Verify(t, load.Expect{})

	// And without any order: one of two is gone, the other one goes on.
	for _, service := range slices.DeleteFunc(system.Services(), func(name string) bool { return name == "gateway" }) {
		name := service + " 2"
		phase := l.Phase("kill -9 of one of two " + service)
		s.Kill(name)
		l.AwaitWell(t)
		s.Restart(t, name)
		l.AwaitWell(t)
		reports = append(reports, phase.End())
		t.Log(reports[len(reports)-1])
		l.Verify(t, load.Expect{Repeats: service == "mail"})
	}
	show(t, reports)
}

// TestWrongClock has one of two sessions services be wrong about the time by a
// minute, in both directions.
func TestWrongClock(t *testing.T) {
	s, l := pairs(t)
	wrong := system.BinaryWith(t, "sessions", "skew")
	var reports []load.Report
	for _, by := range []string{"60s", "-60s"} {
		phase := l.Phase("clock of one of two sessions off by " + by)
		s.Stop("sessions 2")
		s.Change("sessions 2", system.Program{Path: wrong, Environ: []string{"SKEW=" + by}})
		s.Restart(t, "sessions 2")
		l.AwaitWell(t)
		last(outage(3*time.Second, time.Minute))
		l.AwaitWell(t)
		reports = append(reports, phase.End())
		t.Log(reports[len(reports)-1])
		l.Verify(t, load.Expect{})
	}
	phase := l.Phase("that clock put right")
	s.Stop("sessions 2")
	s.Change("sessions 2", system.Program{})
	s.Restart(t, "sessions 2")
	l.AwaitWell(t)
	reports = append(reports, phase.End())
	l.Verify(t, load.Expect{})
	show(t, reports)
}
