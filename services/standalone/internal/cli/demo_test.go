package cli_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/standalone/internal/cli"
)

func TestTheDemoAppIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	for range 2 {
		var registered struct{ URL string }
		o.result(&registered, "demo", "register", "--url", "http://localhost:8089")
		assert.Equal(t, "http://localhost:8089", registered.URL)
	}
	var client struct {
		RedirectURIs []string `json:"redirect_uris"`
	}
	o.result(&client, "client", "show", "demo")
	assert.Equal(t, []string{"http://localhost:8089/callback"}, client.RedirectURIs)
}

// TestTheDemoAppServesByItself does so without any setting, as it has no part
// in Gatehouse.
func TestTheDemoAppServesByItself(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, fail strings.Builder
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"demo", "serve", "--listen", address, "--url", "http://" + address}, nil, &out, &fail)
	}()
	client := &http.Client{Timeout: 5 * time.Second}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", http.NoBody)
		require.NoError(c, err)
		res, err := client.Do(r)
		require.NoError(c, err)
		require.NoError(c, res.Body.Close())
		assert.Equal(c, http.StatusOK, res.StatusCode)
	}, 10*time.Second, 20*time.Millisecond)
	stop()
	require.Zero(t, <-ended, fail.String())
	assert.Contains(t, out.String(), "http://"+address)
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := &http.Server{
		ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "/readyz", r.URL.Path)
			w.WriteHeader(status)
		}),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	o := newOperator(t)
	o.environ = append(o.environ, "GATEHOUSE_DEBUG_LISTEN="+listener.Addr().String())
	code, _, stderr := o.run("healthcheck")
	assert.Zero(t, code, stderr)
	status = http.StatusServiceUnavailable
	code, _, stderr = o.run("healthcheck")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "not ready")

	o.environ = append(o.environ[:1], "GATEHOUSE_DEBUG_LISTEN=")
	code, _, stderr = o.run("healthcheck")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "nobody to ask")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
