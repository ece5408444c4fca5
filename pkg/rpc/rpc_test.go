package rpc_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

type greetRequest struct {
	Name string `json:"name"`
}

type greeting struct {
	Text     string `json:"text"`
	Caller   string `json:"caller"`
	Deadline bool   `json:"deadline"`
	Request  string `json:"request"`
}

var (
	greet     = rpc.Route[greetRequest, greeting]{Service: "greeter", Method: "Greet", Callers: []string{"gateway"}, Idempotent: true}
	greetOnce = rpc.Route[greetRequest, greeting]{Service: "greeter", Method: "GreetOnce", Callers: []string{"gateway"}}
	unmounted = rpc.Route[greetRequest, greeting]{Service: "greeter", Method: "Unmounted", Callers: []string{"gateway"}}
)

func handler(ctx context.Context, r greetRequest) (greeting, error) {
	switch r.Name {
	case "":
		return greeting{}, fault.Field("name", "validation.required")
	case "nobody":
		return greeting{}, fault.New(fault.NotFound, "")
	case "busy":
		return greeting{}, fault.New(fault.Throttled, "").After(7 * time.Second)
	case "broken":
		return greeting{}, errors.New("sql: secret detail")
	case "panic":
		panic("secret detail")
	case "slow":
		<-ctx.Done()
		return greeting{}, ctx.Err()
	}
	_, deadline := ctx.Deadline()
	return greeting{Text: "hello " + r.Name, Caller: rpc.Caller(ctx), Deadline: deadline, Request: obs.RequestID(ctx)}, nil
}

func newServer(callers ...string) *rpc.Server {
	s := rpc.NewServer(rpc.ServerOptions{Service: "greeter", Callers: callers, Insecure: true, Obs: obs.Nop()})
	rpc.Handle(s, greet, handler)
	rpc.Handle(s, greetOnce, handler)
	return s
}

func dial(t *testing.T, o *obs.Obs, caller string, handlers ...http.Handler) rpc.Conn {
	t.Helper()
	var instances sd.FixedInstancer
	for _, h := range handlers {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		instances = append(instances, strings.TrimPrefix(server.URL, "http://"))
	}
	c := rpc.Dial(rpc.DialOptions{Service: "greeter", Instancer: instances, Caller: caller, Obs: o})
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

// TestBothConnsBehaveAlike is the contract: a caller cannot tell whether the
// service is in its process.
func TestBothConnsBehaveAlike(t *testing.T) {
	t.Parallel()
	server := newServer("gateway", "mail")
	for name, c := range map[string]struct{ friend, neighbour, stranger rpc.Conn }{
		"local": {server.Local("gateway"), server.Local("mail"), server.Local("oauth")},
		"remote": {
			dial(t, obs.Nop(), "gateway", server), dial(t, obs.Nop(), "mail", server), dial(t, obs.Nop(), "oauth", server),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := func(name string) (greeting, error) {
				return rpc.Call(obs.WithRequestID(t.Context(), "req-1"), c.friend, greet, greetRequest{Name: name})
			}
			got, err := call("Ada")
			require.NoError(t, err)
			assert.Equal(t, greeting{Text: "hello Ada", Caller: "gateway", Deadline: true, Request: "req-1"}, got)

			for name, kind := range map[string]fault.Kind{
				"": fault.Invalid, "nobody": fault.NotFound, "busy": fault.Throttled,
				"broken": fault.Internal, "panic": fault.Internal,
			} {
				_, err := call(name)
				assert.True(t, fault.Is(err, kind), "%q: %v", name, err)
				assert.NotContains(t, err.Error(), "secret detail")
			}
			_, err = call("")
			assert.Contains(t, fault.From(err).Fields, "name")
			_, err = call("busy")
			assert.Equal(t, 7*time.Second, fault.From(err).RetryAfter)
			_, err = call("broken")
			assert.NotEmpty(t, fault.From(err).ID)

			for _, conn := range []rpc.Conn{c.stranger, c.neighbour} { // may not come in; may not call this
				_, err = rpc.Call(t.Context(), conn, greet, greetRequest{Name: "Ada"})
				assert.True(t, fault.Is(err, fault.Forbidden), "%v", err)
			}

			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err = rpc.Call(ctx, c.friend, greet, greetRequest{Name: "slow"})
			assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)

			_, err = rpc.Call(t.Context(), c.friend, unmounted, greetRequest{Name: "Ada"})
			require.Error(t, err)
		})
	}
}

func TestAFaultIsAnswerEnough(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := newServer("gateway")
	counting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		server.ServeHTTP(w, r)
	})
	c := dial(t, obs.Nop(), "gateway", counting)
	const n = 20
	for range n { // more than enough to open a breaker that counted them
		_, err := rpc.Call(t.Context(), c, greet, greetRequest{Name: "nobody"})
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	}
	assert.EqualValues(t, n, calls.Load(), "a fault was tried again")
	_, err := rpc.Call(t.Context(), c, greet, greetRequest{Name: "Ada"})
	require.NoError(t, err, "faults opened the breaker")
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnlyIdempotentCallsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		route rpc.Route[greetRequest, greeting]
		tries int64
	}{
		"idempotent": {greet, 3},
		"once":       {greetOnce, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			conn := dial(t, obs.Nop(), "gateway", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				panic(http.ErrAbortHandler) // breaks off after the request was read
			}))
			_, err := rpc.Call(t.Context(), conn, c.route, greetRequest{Name: "Ada"})
			assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
			assert.Equal(t, c.tries, calls.Load())
		})
	}
}

func TestADeadInstanceIsSteppedOver(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	alive := httptest.NewServer(newServer("gateway"))
	defer alive.Close()
	c := rpc.Dial(rpc.DialOptions{
		Service: "greeter", Caller: "gateway", Obs: obs.Nop(),
		Instancer: sd.FixedInstancer{strings.TrimPrefix(gone.URL, "http://"), strings.TrimPrefix(alive.URL, "http://")},
	})
	defer func() { assert.NoError(t, c.Close()) }()
	for range 20 { // a refused connection was never sent, so even this one may move on
		_, err := rpc.Call(t.Context(), c, greetOnce, greetRequest{Name: "Ada"})
		require.NoError(t, err)
	}
}

// TestAnOlderInstanceIsWell although it does not know a method: others go on.
func TestAnOlderInstanceIsWell(t *testing.T) {
	t.Parallel()
	unheard := rpc.Route[greetRequest, greeting]{Service: "greeter", Method: "Unheard", Callers: []string{"gateway"}, Idempotent: true}
	conn := dial(t, obs.Nop(), "gateway", newServer("gateway"))
	for range 4 {
		_, err := rpc.Call(t.Context(), conn, unheard, greetRequest{Name: "Ada"})
		assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	}
	_, err := rpc.Call(t.Context(), conn, greet, greetRequest{Name: "Ada"})
	assert.NoError(t, err)
}

func TestWhatIsNotAnAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"not found by something between": http.NotFound,
		"an error page":                  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"no JSON":                        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rpc.Call(t.Context(), dial(t, obs.Nop(), "gateway", h), greet, greetRequest{Name: "Ada"})
			assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		})
	}
	_, err := rpc.Call(t.Context(), dial(t, obs.Nop(), "gateway"), greet, greetRequest{Name: "Ada"})
	assert.True(t, fault.Is(err, fault.Unavailable), "no instance: %v", err)
}

func TestMalformedRequestsAreInvalid(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newServer("gateway"))
	defer server.Close()
	for _, body := range []string{"", "{", "[]", `{"name":1}`} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/rpc/greeter/Greet", strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Gatehouse-Caller", "gateway")
		res, err := server.Client().Do(r)
		require.NoError(t, err)
		assert.NoError(t, res.Body.Close())
		assert.Equal(t, "invalid", res.Header.Get("Gatehouse-Fault"), "%q", body)
	}
}

func TestCallsAreMeasured(t *testing.T) {
	t.Parallel()
	o := obs.Nop()
	c := dial(t, o, "gateway", newServer("gateway"))
	_, err := rpc.Call(t.Context(), c, greet, greetRequest{Name: "Ada"})
	require.NoError(t, err)
	_, err = rpc.Call(t.Context(), c, greet, greetRequest{Name: "nobody"})
	require.Error(t, err)
	n, err := testutil.GatherAndCount(o.Registry, "gatehouse_rpc_client_duration_seconds")
	require.NoError(t, err)
	assert.Equal(t, 2, n, "one series per outcome")
}

func TestPlainHTTPIsBehindTheListOfCallers(t *testing.T) {
	t.Parallel()
	server := newServer("gateway")
	server.HandleHTTP("GET /keys", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("for " + rpc.Caller(r.Context())))
	}))
	backend := httptest.NewServer(server)
	t.Cleanup(backend.Close)
	proxy := func(caller, address string) http.Handler {
		p := rpc.NewProxy(rpc.DialOptions{
			Service: "greeter", Caller: caller, Obs: obs.Nop(), Instancer: sd.FixedInstancer{address},
		})
		t.Cleanup(func() { assert.NoError(t, p.Close()) })
		return p
	}
	address := strings.TrimPrefix(backend.URL, "http://")
	for name, c := range map[string]struct {
		handler http.Handler
		status  int
	}{
		"local":          {server.LocalHTTP("gateway"), http.StatusOK},
		"local stranger": {server.LocalHTTP("mail"), http.StatusForbidden},
		"proxy":          {proxy("gateway", address), http.StatusOK},
		"proxy stranger": {proxy("mail", address), http.StatusForbidden},
		"service away":   {proxy("gateway", "127.0.0.1:1"), http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/keys", nil)
			r.Header.Set("Gatehouse-Caller", "gateway") // what a browser claims must not count
			c.handler.ServeHTTP(w, r)
			assert.Equal(t, c.status, w.Code, w.Body.String())
			if c.status == http.StatusOK {
				assert.Equal(t, "for gateway", w.Body.String())
			}
		})
	}
}
