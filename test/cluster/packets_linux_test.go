package cluster_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/badwire"
	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

const (
	// enough packets have to feel a condition of the wire.
	enough = 2000
	// partition is longer than a call may take.
	partition = 8 * time.Second
)

// TestPacketsAreLost puts accounts behind a wire that loses, delays and doubles
// packets and puts them out of order, and cuts it for a while: everybody calls
// accounts, and accounts calls sessions and mail. All but the databases, which
// each service has on its own side.
func TestPacketsAreLost(t *testing.T) {
	t.Parallel()
	w := badwire.New(t)
	mails := sink.New(t)
	consul := system.StartConsul(t)
	s := system.ClusterWith(t, system.ClusterOptions{
		Sink: mails, Consul: consul, Environ: []string{"GATEHOUSE_LOG_LEVEL=warn"},
	})
	for service, host := range map[string]string{"accounts": w.Far, "sessions": w.Near, "oauth": w.Near, "mail": w.Near} {
		moved := system.Program{Environ: []string{"GATEHOUSE_LISTEN=" + net.JoinHostPort(host, "0")}}
		_, port, err := net.SplitHostPort(s.Debug[service])
		require.NoError(t, err)
		debug := net.JoinHostPort(host, port)
		moved.Environ = append(moved.Environ, "GATEHOUSE_DEBUG_LISTEN="+debug)
		if host == w.Far {
			moved.Under = w.Under()
			moved.Environ = append(moved.Environ, "CONSUL_HTTP_ADDR="+w.Forward(consul.Address))
		}
		s.Stop(service)
		s.Change(service, moved)
		s.Launch(service)
		s.Debug[service] = debug
	}
	for _, service := range s.Instances("") {
		s.AwaitReady(t, service)
	}
	l := load.Start(t, load.Options{System: s, Sink: mails})
	l.AwaitWell(t)

	for _, c := range []struct {
		name      string
		condition badwire.Condition
	}{
		{"a good wire", badwire.Condition{}},
		{"delayed and out of order", badwire.Condition{Delay: 5 * time.Millisecond, Jitter: 30 * time.Millisecond}},
		{"lost and doubled", badwire.Condition{Lost: 0.1, Doubled: 0.1, Jitter: 5 * time.Millisecond}},
	} {
		w.Set(c.condition)
		before, phase := w.Counts(), l.Phase(c.name)
		l.AwaitWell(t)
		for w.Counts().Passed < before.Passed+enough {
			l.AwaitWell(t)
		}
		report, after := phase.End(), w.Counts()
		t.Log(report, between(before, after))
		assert.Greater(t, after.Passed, before.Passed)
		if c.condition.Lost > 0 {
			assert.Greater(t, after.Lost, before.Lost)
			assert.Greater(t, after.Doubled, before.Doubled)
		}
		w.Set(badwire.Condition{})
		l.Verify(t, load.Expect{})
	}

	phase := l.Phase("a cut wire")
	w.Set(badwire.Cut)
	l.AwaitFailure(t, load.Login)
	<-time.After(partition) // it is the time without a connection that this is about
	w.Set(badwire.Condition{})
	healed := time.Now()
	l.AwaitWell(t)
	took := time.Since(healed)
	t.Log(phase.End(), "well again", took, "after the wire")
	l.Verify(t, load.Expect{})
	assert.NotContains(t, strings.ToLower(s.Logs.String()), "panic")
}

func between(before, after badwire.Counts) badwire.Counts {
	return badwire.Counts{Passed: after.Passed - before.Passed, Lost: after.Lost - before.Lost, Doubled: after.Doubled - before.Doubled}
}
