package system

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/standalone"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
)

// StandaloneOptions choose what a standalone Gatehouse of a test is like.
type StandaloneOptions struct {
	// DatabaseURL of a PostgreSQL server; empty for SQLite.
	DatabaseURL string
	// URL and DataDir are those of one that was there before; empty: a free port, and
	// an empty folder.
	URL, DataDir string
	// Sink takes the mails; nil: they are in the development mailbox.
	Sink *sink.Server
	// Spans see every span that ends.
	Spans []sdktrace.SpanProcessor
	// Quiet logs warnings only, for benchmarks.
	Quiet bool
	// Environ are further settings.
	Environ []string
}

// Standalone starts all of Gatehouse in this process.
func Standalone(t testing.TB) *System {
	t.Helper()
	return StandaloneWith(t, StandaloneOptions{})
}

// StandaloneWith is Standalone with choices.
func StandaloneWith(t testing.TB, o StandaloneOptions) *System {
	t.Helper()
	s, environ := standaloneSystem(t, o)
	settings, err := standalone.Load(environ, true)
	require.NoError(t, err)
	level := slog.LevelDebug
	if o.Quiet {
		level = slog.LevelWarn
	}
	observed, shutdown, err := obs.New(t.Context(), obs.Options{
		Service: "gatehouse", Version: "test", LogFormat: "json", LogWriter: s.Logs, LogLevel: level, SpanProcessors: o.Spans,
	})
	require.NoError(t, err)

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- standalone.Serve(ctx, settings, standalone.Deps{Obs: observed, Clock: clockwork.NewRealClock()}, s.Logs)
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, shutdown(context.WithoutCancel(ctx)))
	})
	awaitStart(t, s, func() bool { return len(ended) > 0 })
	return s
}

// StandaloneWithDemo is Standalone with the demo app, at the second result.
func StandaloneWithDemo(t testing.TB) (s *System, demo string) {
	t.Helper()
	port := strconv.Itoa(freePort(t))
	s = StandaloneWith(t, StandaloneOptions{Environ: []string{"GATEHOUSE_DEMO_LISTEN=127.0.0.1:" + port}})
	return s, "http://localhost:" + port
}

// StandaloneProcess starts bin/gatehouse. The returned function starts it again
// on the same storage, after it was ended.
func StandaloneProcess(t testing.TB, o StandaloneOptions) (s *System, start func() *Process) {
	t.Helper()
	s, environ := standaloneSystem(t, o)
	return s, func() *Process {
		p := Start(t, s.Logs, environ, "gatehouse", "serve", "--dev")
		awaitStart(t, s, p.Exited)
		return p
	}
}

func awaitStart(t testing.TB, s *System, ended func() bool) {
	t.Helper()
	ready := "http://" + s.Debug["gatehouse"] + "/readyz"
	Eventually(t, "Gatehouse to serve", func() bool {
		require.False(t, ended(), "Gatehouse ended")
		return answers(t.Context(), ready)
	})
}

func standaloneSystem(t testing.TB, o StandaloneOptions) (s *System, environ []string) {
	t.Helper()
	if o.URL == "" {
		o.URL = "http://localhost:" + strconv.Itoa(freePort(t))
	}
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	public, debug := portOf(t, strings.TrimPrefix(o.URL, "http://")), freePort(t)
	s = &System{
		URL:   o.URL,
		Debug: map[string]string{"gatehouse": fmt.Sprintf("127.0.0.1:%d", debug)},
		Logs:  newLog(t),

		DataDir: o.DataDir,
	}
	environ = slices.Concat([]string{
		fmt.Sprintf("GATEHOUSE_LISTEN=127.0.0.1:%d", public),
		"GATEHOUSE_PUBLIC_URL=" + s.URL,
		"GATEHOUSE_DEBUG_LISTEN=" + s.Debug["gatehouse"],
		"GATEHOUSE_DEMO_LISTEN=",
		"GATEHOUSE_DATA_DIR=" + s.DataDir,
		"GATEHOUSE_DATABASE_URL=" + o.DatabaseURL,
		"GATEHOUSE_LOG_FORMAT=json",
	}, manyCalls, o.Environ)
	if o.Sink != nil {
		s.sink = o.Sink
		environ = append(environ, o.Sink.Environ()...)
	}
	s.Operate = func(t testing.TB, args ...string) []byte {
		t.Helper()
		return operate(t, environ, append([]string{"--dev", "--output", "json"}, args...)...)
	}
	return s, environ
}

// operate runs the operator's command line and returns what it printed.
func operate(t testing.TB, environ []string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), Binary(t, "gatehouse"), args...)
	c.Env = environ
	c.Dir = t.TempDir()
	var failure bytes.Buffer
	c.Stderr = &failure
	out, err := c.Output()
	require.NoError(t, err, "gatehouse %v: %s%s", args, &failure, out)
	return out
}
