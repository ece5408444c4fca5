package cluster_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// disk is a small file system of its own.
type disk struct{ dir string }

// diskSize is enough for the databases and what a load writes in minutes.
const diskSize = "64m"

// smallDisk mounts one, for which it has to be root.
func smallDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+diskSize+",mode=0700")
	require.NoError(t, err, "this drill mounts a small file system: run it as root, where mounting is allowed")
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return disk{dir}
}

func (d disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves no byte.
func (d disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.ballast())
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if _, err = f.Write(chunk); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			chunk = chunk[:len(chunk)/2]
		}
	}
}

// free gives the space back.
func (d disk) free(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(d.ballast()))
}

// expiry is when a process's certificate expires, as its metrics say.
func expiry(t *testing.T, debug string) float64 {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+debug+"/metrics", http.NoBody)
	require.NoError(t, err)
	res, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if name == "gatehouse_tls_certificate_expiry_timestamp_seconds" {
			var value float64
			_, err := fmt.Sscan(text, &value)
			require.NoError(t, err)
			return value
		}
	}
	require.Fail(t, "the process does not say when its certificate expires")
	return 0
}
