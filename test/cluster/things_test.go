package cluster_test

import (
	"net"
	"os/exec"
	"strconv"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// redis is a Redis that stops and starts: a real one where there is one on PATH,
// otherwise a double.
type redis struct {
	t       *testing.T
	address string
	double  *miniredis.Miniredis
	path    string
	command *exec.Cmd
}

func startRedis(t *testing.T) *redis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Log("redis-server is not on PATH: a test double stands in")
		double := miniredis.RunT(t)
		return &redis{t: t, address: double.Addr(), double: double}
	}
	r := &redis{t: t, path: path, address: "127.0.0.1:" + strconv.Itoa(system.FreePort(t))}
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *redis) start() {
	r.t.Helper()
	if r.double != nil {
		require.NoError(r.t, r.double.Restart())
		return
	}
	_, port, err := net.SplitHostPort(r.address)
	require.NoError(r.t, err)
	r.command = exec.Command(r.path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no") // ended by stop
	r.command.Dir = r.t.TempDir()
	require.NoError(r.t, r.command.Start())
	system.Eventually(r.t, "redis to listen", func() bool {
		conn, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", r.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (r *redis) stop() {
	switch {
	case r.double != nil:
		r.double.Close()
	case r.command != nil:
		_ = r.command.Process.Kill()
		_ = r.command.Wait() // how a killed process ends is no news
		r.command = nil
	}
}
