package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeconsul"
)

// TestLifeOfAService follows a service from its start to the end of its last
// request.
func TestLifeOfAService(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	clock := clockwork.NewFakeClock()
	var order diary
	arrived, release := make(chan struct{}), make(chan struct{})
	service := Service{
		Name:       "mail",
		Migrations: migrations,
		Build: func(ctx context.Context, rt *Runtime) error {
			d, err := rt.OpenDB(ctx, migrations)
			if err != nil {
				return err
			}
			rt.OnClose("probe", func(context.Context) error {
				order.note("closed")
				return nil
			})
			working := make(chan struct{})
			rt.Go("worker", func(ctx context.Context) error {
				close(working)
				<-ctx.Done()
				if err := d.Ping(context.WithoutCancel(ctx)); err != nil {
					t.Error("the database was closed before the workers ended: ", err)
				}
				order.note("worker ended")
				return ctx.Err()
			})
			mux := http.NewServeMux()
			mux.HandleFunc("/quick", func(http.ResponseWriter, *http.Request) { <-working })
			mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
				close(arrived)
				<-release
				if err := d.Ping(r.Context()); err != nil {
					t.Error("a request in flight: ", err)
				}
				order.note("request ended")
			})
			rt.ServeInternal(mux)
			return nil
		},
	}
	url := sqlite(t)
	if code := run(t, service, []string{"migrate"}, url).exit(); code != 0 {
		t.Fatal("migrate: exit code ", code)
	}
	r := startProgram(t, program{
		service: service,
		clock:   clock,
		spans:   []sdktrace.SpanProcessor{flushed{diary: &order}},
		environ: []string{
			"GATEHOUSE_LISTEN=127.0.0.1:0", "GATEHOUSE_DEBUG_LISTEN=127.0.0.1:0", "INSECURE_INTERNAL=true",
			"GATEHOUSE_ROOT_KEY=" + rootKey, "CONSUL_HTTP_ADDR=" + consul.Address, "GATEHOUSE_DRAIN=7s", url,
		},
	})

	base, debug := instance(t, consul)
	r.stderr.await(t, "registered with consul", 1)
	if passing := consul.Passing("mail"); len(passing) != 1 {
		t.Error("registered, and not passing although it is ready")
	}
	if status, body := get(t, debug+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, _ := get(t, base+"/quick"); status != http.StatusOK {
		t.Errorf("/quick: %d", status)
	}
	slow := make(chan int, 1)
	go func() {
		status, _ := get(t, base+"/slow")
		slow <- status
	}()
	<-arrived

	r.stop()
	if err := consul.Wait(t.Context(), func() bool { return len(consul.Registrations()) == 0 }); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, debug+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "draining") {
		t.Errorf("/readyz while draining: %d %s", status, body)
	}
	// The drain, and the pulse of the database.
	if err := clock.BlockUntilContext(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, base+"/quick"); status != http.StatusOK {
		t.Errorf("/quick while draining: %d", status)
	}
	clock.Advance(7 * time.Second)
	close(release)
	if status := <-slow; status != http.StatusOK {
		t.Errorf("/slow: %d", status)
	}
	r.want(0, `"stopped"`)
	if got, want := order.read(), "request ended, worker ended, closed, flushed"; got != want {
		t.Errorf("order: %s; want %s", got, want)
	}
	if status, _ := get(t, base+"/quick"); status != 0 {
		t.Error("the port is still open")
	}
	if status, _ := get(t, debug+"/livez"); status != 0 {
		t.Error("the debug port is still open")
	}
}

func insecure(build func(context.Context, *Runtime) error) Service {
	return Service{Name: "mail", Build: build}
}

func TestNotReadyWhileStarting(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := start(t, insecure(func(ctx context.Context, rt *Runtime) error {
		if err := rt.group.CheckReady(ctx); !errors.Is(err, errStarting) {
			t.Errorf("ready while it is built: %v", err)
		}
		url := "http://" + rt.debug.Addr().String()
		if status, _ := get(t, url+"/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz: %d", status)
		}
		if status, _ := get(t, url+"/livez"); status != http.StatusOK {
			t.Errorf("/livez: %d", status)
		}
		close(release)
		return nil
	}), clockwork.NewRealClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_DRAIN=0s")
	<-release
	r.stop()
	r.want(0)
}

func TestReadinessNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	consul := fakeconsul.Start(t, fakeconsul.Options{})
	start(t, insecure(func(_ context.Context, rt *Runtime) error {
		rt.Ready("moon", func(context.Context) error { return errors.New("is not full") })
		rt.Ready("sun", func(context.Context) error { return nil })
		rt.ServePublic(http.NotFoundHandler())
		return nil
	}), clockwork.NewRealClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_DRAIN=0s", "CONSUL_HTTP_ADDR="+consul.Address)
	_, debug := instance(t, consul)
	if status, body := get(t, debug+"/readyz"); status != http.StatusServiceUnavailable || body != "moon: is not full\n" {
		t.Errorf("%d %q", status, body)
	}
	if passing := consul.Passing("mail"); len(passing) > 0 {
		t.Errorf("%v passes and is not ready", passing)
	}
}

func TestFailuresEndTheProcess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		build  func(context.Context, *Runtime) error
		stderr string
	}{
		"build": {func(context.Context, *Runtime) error { return errors.New("no wood") }, "no wood"},
		"worker": {func(_ context.Context, rt *Runtime) error {
			rt.Go("digger", func(context.Context) error { return errors.New("hit rock") })
			return nil
		}, "digger: hit rock"},
		"port": {func(_ context.Context, rt *Runtime) error {
			rt.Base.Listen = "192.0.2.1:1" // an address for documentation: never this machine's
			rt.ServePublic(http.NotFoundHandler())
			return nil
		}, "public server"},
		"close": {func(_ context.Context, rt *Runtime) error {
			rt.OnClose("door", func(context.Context) error { return errors.New("jammed") })
			rt.Go("digger", func(context.Context) error { return errors.New("hit rock") })
			return nil
		}, "closing door: jammed"},
		"unknown peer": {func(_ context.Context, rt *Runtime) error {
			_, err := rt.Dial("accounts")
			return err
		}, "GATEHOUSE_PEERS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{})
			r := start(t, insecure(func(ctx context.Context, rt *Runtime) error {
				rt.OnClose("first", func(context.Context) error {
					close(closed)
					return nil
				})
				return test.build(ctx, rt)
			}), clockwork.NewRealClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_DRAIN=0s")
			r.want(1, test.stderr)
			select {
			case <-closed:
			default:
				t.Error("what was open was not closed")
			}
		})
	}
}

func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	building := make(chan struct{})
	r := start(t, insecure(func(ctx context.Context, _ *Runtime) error {
		close(building)
		<-ctx.Done()
		return ctx.Err()
	}), clockwork.NewRealClock(), "INSECURE_INTERNAL=true")
	<-building
	r.stop()
	r.want(0, "stopped while starting")
}

func TestLogsAndMetricsCarryTheService(t *testing.T) {
	t.Parallel()
	r := start(t, insecure(func(ctx context.Context, rt *Runtime) error {
		if _, body := get(t, "http://"+rt.debug.Addr().String()+"/metrics"); !strings.Contains(body, `gatehouse_build_info{service="mail"`) {
			t.Error("no build information")
		}
		rt.Obs.Logger.InfoContext(ctx, "hello", "password", "hunter2")
		return nil
	}), clockwork.NewRealClock(), "INSECURE_INTERNAL=true", "GATEHOUSE_DRAIN=0s", "GATEHOUSE_LOG_FORMAT=text")
	r.stderr.await(t, "msg=hello service=mail password=[redacted]", 1)
	r.stop()
	r.want(0)
}
