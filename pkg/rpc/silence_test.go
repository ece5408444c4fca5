package rpc_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-kit/kit/sd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// cable is the way to a server. It can be cut without anybody being told: what
// is sent does not arrive, and connections stay open.
type cable struct {
	address string
	cut     atomic.Bool
	mu      sync.Mutex
	conns   []net.Conn
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cable{address: listener.Addr().String()}
	var working sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		c.mu.Lock()
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.mu.Unlock()
		working.Wait()
	})
	working.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := new(net.Dialer).DialContext(t.Context(), "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, near, far)
			c.mu.Unlock()
			working.Go(func() { c.carry(near, far) })
			working.Go(func() { c.carry(far, near) })
		}
	})
	return c
}

func (c *cable) carry(from, to net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		if c.cut.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_, _ = io.Copy(io.Discard, from)
			return
		}
	}
}

// TestASilentInstanceIsSteppedOver has one of two instances vanish without a word,
// with connections to it open. Calls that may be repeated go to the other one, in
// time; the others end, and are made once.
func TestASilentInstanceIsSteppedOver(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	inner := newServer("gateway")
	start := func() *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/GreetOnce") {
				made.Add(1)
			}
			r.TLS = nil // it has no certificate: it is believed as plaintext peers are
			r.Header.Set("Gatehouse-Caller", "gateway")
			inner.ServeHTTP(w, r)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	one, other := start(), start()
	way := newCable(t, one.Listener.Addr().String())
	transport, ok := one.Client().Transport.(*http.Transport)
	require.True(t, ok)
	conn := rpc.Dial(rpc.DialOptions{
		Service: "greeter", Caller: "gateway", Obs: obs.Nop(),
		TLS:       &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS13},
		Instancer: sd.FixedInstancer{way.address, other.Listener.Addr().String()},
	})
	defer func() { assert.NoError(t, conn.Close()) }()
	call := func(route rpc.Route[greetRequest, greeting]) error {
		_, err := rpc.Call(t.Context(), conn, route, greetRequest{Name: "Ada"})
		return err
	}
	for range 4 {
		require.NoError(t, call(greet))
	}

	way.cut.Store(true)
	var calls sync.WaitGroup
	for range 6 {
		calls.Go(func() { assert.NoError(t, call(greet), "a call that may be repeated") })
	}
	var failed atomic.Int64
	for range 6 {
		calls.Go(func() {
			if err := call(greetOnce); err != nil {
				assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
				failed.Add(1)
			}
		})
	}
	calls.Wait()
	assert.Positive(t, failed.Load(), "half of them went to the one that is cut off")
	assert.Equal(t, 6-failed.Load(), made.Load(), "made once each, or not at all")
	for range 4 { // nobody has to wait for the connection any more, but for a new one
		require.NoError(t, call(greet))
	}

	way.cut.Store(false)
	for range 4 {
		require.NoError(t, call(greet))
	}
}
