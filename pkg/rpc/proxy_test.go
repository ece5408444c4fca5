package rpc_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// through sends a request through a proxy to instances at these URLs.
func through(t *testing.T, method, body string, instances ...string) *httptest.ResponseRecorder {
	t.Helper()
	var addresses sd.FixedInstancer
	for _, instance := range instances {
		addresses = append(addresses, strings.TrimPrefix(instance, "http://"))
	}
	p := rpc.NewProxy(rpc.DialOptions{Service: "greeter", Caller: "gateway", Obs: obs.Nop(), Instancer: addresses})
	defer func() { assert.NoError(t, p.Close()) }()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/token", strings.NewReader(body)))
	return w
}

func closedServer(t *testing.T) string {
	t.Helper()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	return gone.URL
}

var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing the test sees
	_, _ = w.Write(body)
})

func TestAProxyStepsOverADeadInstance(t *testing.T) {
	t.Parallel()
	gone := closedServer(t)
	alive := httptest.NewServer(echo)
	defer alive.Close()
	for _, order := range [][]string{{gone, alive.URL}, {alive.URL, gone}, {gone, gone, alive.URL}} {
		w := through(t, http.MethodPost, "grant_type=refresh_token", order...)
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, "grant_type=refresh_token", w.Body.String())
	}
	w := through(t, http.MethodPost, "grant_type=refresh_token", gone, gone)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.JSONEq(t, `{"error":"temporarily_unavailable"}`, w.Body.String())
}

// TestAProxyRepeatsOnlyWhatIsSafe breaks off after a request was read.
func TestAProxyRepeatsOnlyWhatIsSafe(t *testing.T) {
	t.Parallel()
	for method, tries := range map[string]int64{http.MethodGet: 3, http.MethodPost: 1} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				panic(http.ErrAbortHandler)
			}))
			defer server.Close()
			w := through(t, method, map[string]string{http.MethodPost: "code=1"}[method], server.URL)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Equal(t, tries, calls.Load())
		})
	}
}

// TestClientsCannotHaveAPOSTRepeated by a header that Go's transport goes by, on
// a connection that was used before.
func TestClientsCannotHaveAPOSTRepeated(t *testing.T) {
	t.Parallel()
	var posts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	p := rpc.NewProxy(rpc.DialOptions{
		Service: "greeter", Caller: "gateway", Obs: obs.Nop(), Instancer: sd.FixedInstancer{strings.TrimPrefix(server.URL, "http://")},
	})
	defer func() { assert.NoError(t, p.Close()) }()
	for i, header := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/keys", http.NoBody))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", strings.NewReader("code=1"))
		r.Header.Set(header, "1")
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.EqualValues(t, i+1, posts.Load(), header)
	}
}

// TestALongBodyGoesThroughAProxy is longer than what is kept to be sent again.
func TestALongBodyGoesThroughAProxy(t *testing.T) {
	t.Parallel()
	alive := httptest.NewServer(echo)
	defer alive.Close()
	long := strings.Repeat("0123456789abcdef", 8<<10)
	w := through(t, http.MethodPost, long, alive.URL)
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, len(long), w.Body.Len())
}

// TestAnInstanceWithABadCertificateIsSteppedOver has one whose certificate has
// expired, and one whose address another program has by now, which speaks no TLS:
// nothing was sent to them, so even a call that is not to be repeated may move on.
func TestAnInstanceWithABadCertificateIsSteppedOver(t *testing.T) {
	t.Parallel()
	authority := testkit.CA(t)
	var instances sd.FixedInstancer
	for _, ago := range []time.Duration{time.Minute, -time.Hour} {
		files := authority.IssueLeaf(testkit.Leaf{Service: "greeter", NotAfter: time.Now().Add(-ago)})
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		require.NoError(t, err)
		greeter := rpc.NewServer(rpc.ServerOptions{Service: "greeter", Callers: []string{"gateway"}, Obs: obs.Nop()})
		rpc.Handle(greeter, greetOnce, handler)
		server := httptest.NewUnstartedServer(greeter)
		server.TLS = authority.Identity("greeter").ServerConfig()
		server.TLS.GetConfigForClient = nil
		server.TLS.Certificates = []tls.Certificate{pair}
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.StartTLS()
		t.Cleanup(server.Close)
		instances = append(instances, strings.TrimPrefix(server.URL, "https://"))
	}
	public := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(public.Close)
	instances = append(instances, strings.TrimPrefix(public.URL, "http://"))
	c := rpc.Dial(rpc.DialOptions{
		Service: "greeter", Obs: obs.Nop(), Instancer: instances, TLS: authority.Identity("gateway").ClientConfig("greeter"),
	})
	defer func() { assert.NoError(t, c.Close()) }()
	for range 4 {
		_, err := rpc.Call(t.Context(), c, greetOnce, greetRequest{Name: "Ada"})
		require.NoError(t, err)
	}
}
