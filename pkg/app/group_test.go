package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// runGroup runs a group and returns its end and its result.
func runGroup(t *testing.T, g *Group) (stop func(), result <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	results := make(chan error, 1)
	go func() { results <- g.Run(ctx) }()
	return cancel, results
}

func TestGroupEndsInOrder(t *testing.T) {
	t.Parallel()
	g := NewGroup(GroupOptions{})
	var order diary
	serving := make(chan struct{})
	for _, name := range []string{"a", "b"} {
		g.OnDrain(name, func(context.Context) error {
			order.note("drain " + name)
			return errors.New("does not matter")
		})
		g.OnClose(name, func(context.Context) error {
			order.note("close " + name)
			return nil
		})
	}
	g.Go("worker", func(ctx context.Context) error {
		<-ctx.Done()
		order.note("worker")
		return ctx.Err()
	})
	g.OnServe("begin", func(context.Context) error {
		close(serving)
		return nil
	})
	stop, result := runGroup(t, g)
	<-serving
	stop()
	if err := <-result; err != nil {
		t.Error(err)
	}
	select {
	case <-g.Draining():
	default:
		t.Error("Draining is open")
	}
	if got, want := order.read(), "drain a, drain b, worker, close b, close a"; got != want {
		t.Errorf("order: %s; want %s", got, want)
	}
	if err := g.CheckReady(t.Context()); !errors.Is(err, errDraining) {
		t.Errorf("ready after the end: %v", err)
	}
}

func TestWorkersMayComeLater(t *testing.T) {
	t.Parallel()
	g := NewGroup(GroupOptions{})
	broken := errors.New("broken")
	g.Go("first", func(context.Context) error {
		g.Go("second", func(context.Context) error { return broken })
		return nil // done, which ends nothing
	})
	_, result := runGroup(t, g)
	if err := <-result; !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "second: ") {
		t.Error(err)
	}
	g.Go("too late", func(context.Context) error {
		t.Error("ran after the end")
		return nil
	})
}

func TestAFailureIsReportedAlthoughTheContextEnds(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	g := NewGroup(GroupOptions{Clock: clock, Drain: time.Second})
	broken := errors.New("broken")
	g.OnServe("begin", func(context.Context) error { return broken })
	stop, result := runGroup(t, g)
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	stop()
	clock.Advance(time.Second)
	if err := <-result; !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestAStuckWorkerIsNamed(t *testing.T) {
	t.Parallel()
	g := NewGroup(GroupOptions{Shutdown: 10 * time.Millisecond})
	release := make(chan struct{})
	g.Go("sleeper", func(context.Context) error {
		<-release
		return nil
	})
	serving := make(chan struct{})
	g.OnServe("begin", func(context.Context) error {
		close(serving)
		return nil
	})
	stop, result := runGroup(t, g)
	<-serving
	stop()
	if err := <-result; err == nil || !strings.Contains(err.Error(), "sleeper") {
		t.Error(err)
	}
	close(release)
	g.workers.done.Wait()
}

func TestARequestThatDoesNotEndIsCutOff(t *testing.T) {
	t.Parallel()
	g := NewGroup(GroupOptions{Shutdown: 10 * time.Millisecond})
	arrived, cut := make(chan struct{}), make(chan struct{})
	s := &Server{Name: "server", Listen: "127.0.0.1:0", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(cut)
	})}
	g.Serve(s)
	serving := make(chan struct{})
	g.OnServe("begin", func(context.Context) error {
		close(serving)
		return nil
	})
	stop, result := runGroup(t, g)
	<-serving
	answered := make(chan int, 1)
	go func() {
		status, _ := get(t, "http://"+s.Addr().String())
		answered <- status
	}()
	<-arrived
	stop()
	<-cut
	if err := <-result; err != nil {
		t.Error(err)
	}
	if status := <-answered; status != 0 {
		t.Errorf("status %d of a request that was cut off", status)
	}
}

func TestAPortThatIsTakenClosesTheOthers(t *testing.T) {
	t.Parallel()
	g := NewGroup(GroupOptions{})
	first := &Server{Name: "first", Listen: "127.0.0.1:0", Handler: http.NotFoundHandler()}
	g.Serve(first)
	g.Serve(&Server{Name: "second", Listen: "192.0.2.1:1", Handler: http.NotFoundHandler()})
	if err := g.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "second: ") {
		t.Error(err)
	}
	if status, _ := get(t, "http://"+first.Addr().String()); status != 0 {
		t.Error("the first port is still open")
	}
}

func TestServersHaveLimits(t *testing.T) {
	t.Parallel()
	g := NewGroup(GroupOptions{})
	s := &Server{Name: "server", Listen: "127.0.0.1:0", Handler: http.NotFoundHandler()}
	g.Serve(s)
	g.OnServe("look", func(context.Context) error {
		h := s.server
		if h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes <= 0 {
			t.Errorf("%+v", h)
		}
		return errors.New("enough")
	})
	if err := g.Run(t.Context()); err == nil {
		t.Error("no error")
	}
}

// TestConnectionsAreGivenUpWhileDraining has a client that keeps its connection.
func TestConnectionsAreGivenUpWhileDraining(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	g := NewGroup(GroupOptions{Clock: clock, Drain: time.Second})
	s := &Server{Name: "server", Listen: "127.0.0.1:0", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	g.Serve(s)
	serving := make(chan struct{})
	g.OnServe("begin", func(context.Context) error {
		close(serving)
		return nil
	})
	stop, result := runGroup(t, g)
	<-serving
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ask := func() (closes bool) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String(), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.Close
	}
	if ask() {
		t.Error("a connection was given up with nothing the matter")
	}
	stop()
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if !ask() {
		t.Error("a connection is to be used again, although its port will be closed")
	}
	clock.Advance(time.Second)
	if err := <-result; err != nil {
		t.Error(err)
	}
}
