package app

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jonboulle/clockwork"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rootKey is 32 bytes in base64.
const rootKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

var migrations = fstest.MapFS{
	"00001_users.sql": {Data: []byte("-- +goose Up\nCREATE TABLE users (id {{identity}}, name TEXT NOT NULL);\n")},
}

// running is a program in a test.
type running struct {
	t      *testing.T
	stop   context.CancelFunc
	exited chan struct{}
	code   int
	stdout *output
	stderr *output
}

// start runs a program that takes free ports of the loopback interface.
func start(t *testing.T, s Service, clock clockwork.Clock, environ ...string) *running {
	t.Helper()
	return startProgram(t, program{service: s, clock: clock, environ: append([]string{
		"GATEHOUSE_LISTEN=127.0.0.1:0", "GATEHOUSE_DEBUG_LISTEN=127.0.0.1:0",
	}, environ...)})
}

func startProgram(t *testing.T, p program, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{t: t, stop: cancel, exited: make(chan struct{}), stdout: newOutput(), stderr: newOutput()}
	p.stdout, p.stderr = r.stdout, r.stderr
	go func() {
		defer close(r.exited)
		r.code = p.run(ctx, args)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.exited
		if t.Failed() {
			t.Logf("standard error:\n%s", r.stderr)
		}
	})
	return r
}

// exit waits for the end of the program.
func (r *running) exit() int {
	r.t.Helper()
	select {
	case <-r.exited:
		return r.code
	case <-time.After(20 * time.Second):
		r.t.Fatal("the program does not end")
		return 0
	}
}

// run runs a command to its end.
func run(t *testing.T, s Service, args []string, environ ...string) *running {
	t.Helper()
	r := startProgram(t, program{service: s, clock: clockwork.NewRealClock(), environ: environ}, args...)
	r.exit()
	return r
}

func (r *running) want(code int, stderr ...string) {
	r.t.Helper()
	if got := r.exit(); got != code {
		r.t.Errorf("exit code %d, want %d", got, code)
	}
	for _, text := range stderr {
		if !strings.Contains(r.stderr.String(), text) {
			r.t.Errorf("standard error lacks %q", text)
		}
	}
}

// output is a buffer that can be waited for.
type output struct {
	mu      sync.Mutex
	buffer  bytes.Buffer
	written chan struct{}
}

func newOutput() *output { return &output{written: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// await waits until the output contains the text n times.
func (o *output) await(t *testing.T, text string, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		found, written := strings.Count(o.buffer.String(), text) >= n, o.written
		o.mu.Unlock()
		if found {
			return
		}
		select {
		case <-written:
		case <-deadline:
			t.Fatalf("%q was not written %d times", text, n)
		}
	}
}

// instance waits until Consul knows one instance and returns the URLs of its
// server and of its debug port.
func instance(t *testing.T, consul *fakeconsul.Server) (service, debug string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := consul.Wait(ctx, func() bool { return len(consul.Registrations()) == 1 }); err != nil {
		t.Fatal("nothing registers: ", err)
	}
	r := consul.Registrations()[0]
	debug, _, _ = strings.Cut(r.Check.HTTP, "/readyz")
	return "http://" + r.Address + ":" + strconv.Itoa(r.Port), debug
}

// get returns the status and body of a URL, or 0 when nobody answers.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(body)
}

func sqlite(t *testing.T) string {
	t.Helper()
	return "GATEHOUSE_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// diary notes in which order things happen.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) note(entry string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry)
}

func (d *diary) read() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.entries, ", ")
}

// flushed notes the shutdown of the tracer.
type flushed struct {
	sdktrace.SpanProcessor
	diary *diary
}

func (f flushed) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (f flushed) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (f flushed) Shutdown(context.Context) error {
	f.diary.note("flushed")
	return nil
}
