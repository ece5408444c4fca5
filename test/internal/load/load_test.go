package load_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

// TestAQuietDay is the load without any drill: nothing fails, and what was
// promised holds.
func TestAQuietDay(t *testing.T) {
	t.Parallel()
	mails := sink.New(t)
	s := system.ClusterWith(t, system.ClusterOptions{Replicas: 1, Sink: mails, Environ: []string{"GATEHOUSE_LOG_LEVEL=warn"}})
	l := load.Start(t, load.Options{System: s, Sink: mails})
	l.AwaitWell(t)
	phase := l.Phase("a quiet day")
	l.AwaitWell(t)
	l.Verify(t, load.Expect{})
	l.AwaitWell(t)
	l.Verify(t, load.Expect{})
	report := phase.End()
	t.Log(report)
	assert.Zero(t, report.Failed, "%s", report)
	for _, kind := range load.Kinds() {
		assert.Less(t, report.Gaps[kind], report.Duration, kind)
	}
}
