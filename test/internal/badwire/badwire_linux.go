// Package badwire joins a network namespace to the one of the test by a wire whose
// packets the test passes on, and may lose, delay, double and put out of order.
// Linux only, as root.
package badwire

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// Condition is what happens to packets, in both directions. The zero value is a
// good wire.
type Condition struct {
	// Lost and Doubled are the shares of the packets, from 0 to 1, to which that
	// happens.
	Lost, Doubled float64
	// Delay is how long each takes, and up to Jitter longer: with that they overtake
	// each other.
	Delay, Jitter time.Duration
}

// Cut passes nothing on.
var Cut = Condition{Lost: 1}

// Counts are of packets.
type Counts struct{ Passed, Lost, Doubled int64 }

// Wire joins two ends.
type Wire struct {
	// Namespace is the name of the far end's.
	Namespace string
	// Near and Far are the addresses of the ends.
	Near, Far string

	t         testing.TB
	condition atomic.Pointer[Condition]
	passed    atomic.Int64
	lost      atomic.Int64
	doubled   atomic.Int64
	working   sync.WaitGroup
	ended     atomic.Bool
}

// maxPacket is more than the devices' MTU.
const maxPacket = 1 << 16

// New makes a namespace and the wire to it; both end with the test. Where that is
// not possible the test is not run.
func New(t testing.TB) *Wire {
	t.Helper()
	if os.Geteuid() != 0 {
		testkit.NotRun(t, "a bad wire takes root, to make a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		testkit.NotRun(t, "a bad wire needs ip, of iproute2: "+err.Error())
	}
	name := "gh" + strings.ToLower(fmt.Sprintf("%08x", rand.Uint32()))
	third, fourth := 1+rand.IntN(254), 4*rand.IntN(63)
	w := &Wire{
		Namespace: name, t: t,
		// Of the range for measuring devices (RFC 2544), which nobody routes to.
		Near: fmt.Sprintf("198.18.%d.%d", third, fourth+1), Far: fmt.Sprintf("198.18.%d.%d", third, fourth+2),
	}
	w.Set(Condition{})
	near, err := device(name + "n")
	if err != nil {
		testkit.NotRun(t, "a bad wire needs /dev/net/tun: "+err.Error())
	}
	far, err := device(name + "f")
	require.NoError(t, err)
	if out, err := ip(t.Context(), "netns", "add", name); err != nil {
		testkit.NotRun(t, "a bad wire needs network namespaces: "+out)
	}
	t.Cleanup(func() {
		w.ended.Store(true)
		_, _ = near.Close(), far.Close() // and so the devices go
		w.working.Wait()
		out, err := ip(context.WithoutCancel(t.Context()), "netns", "delete", name)
		require.NoError(t, err, out)
	})
	for _, command := range []string{
		"addr add " + w.Near + "/30 dev " + name + "n",
		"link set " + name + "n up",
		"link set " + name + "f netns " + name,
		"-n " + name + " addr add " + w.Far + "/30 dev " + name + "f",
		"-n " + name + " link set " + name + "f up",
		"-n " + name + " link set lo up",
	} {
		out, err := ip(t.Context(), strings.Fields(command)...)
		require.NoError(t, err, "ip %s: %s", command, out)
	}
	w.working.Go(func() { w.carry(near, far) })
	w.working.Go(func() { w.carry(far, near) })
	return w
}

// Set changes what happens to packets from now on.
func (w *Wire) Set(c Condition) { w.condition.Store(&c) }

// Counts are since the wire was made.
func (w *Wire) Counts() Counts {
	return Counts{Passed: w.passed.Load(), Lost: w.lost.Load(), Doubled: w.doubled.Load()}
}

// Under is the command that runs a program at the far end.
func (w *Wire) Under() []string { return []string{"ip", "netns", "exec", w.Namespace} }

// Forward lets the far end reach what listens on the near end's loopback, and
// returns where.
func (w *Wire) Forward(to string) (address string) {
	w.t.Helper()
	listener, err := new(net.ListenConfig).Listen(w.t.Context(), "tcp", net.JoinHostPort(w.Near, "0"))
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var working sync.WaitGroup
	w.t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		working.Wait()
	})
	working.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			working.Go(func() { join(ctx, from, to) })
		}
	})
	return listener.Addr().String()
}

func join(ctx context.Context, from net.Conn, to string) {
	defer func() { _ = from.Close() }()
	onward, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = onward.Close() }()
	stop := context.AfterFunc(ctx, func() { _, _ = from.Close(), onward.Close() })
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(onward, from)
		_ = onward.Close()
	}()
	_, _ = io.Copy(from, onward)
	_ = from.Close()
	<-done
}

// carry passes packets on until the devices are closed.
func (w *Wire) carry(from, to *os.File) {
	buffer := make([]byte, maxPacket)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		c := *w.condition.Load()
		if rand.Float64() < c.Lost {
			w.lost.Add(1)
			continue
		}
		packet := append([]byte(nil), buffer[:n]...)
		w.pass(to, packet, c)
		if rand.Float64() < c.Doubled {
			w.doubled.Add(1)
			w.pass(to, packet, c)
		}
	}
}

func (w *Wire) pass(to *os.File, packet []byte, c Condition) {
	w.passed.Add(1)
	wait := c.Delay
	if c.Jitter > 0 {
		wait += rand.N(c.Jitter)
	}
	if wait == 0 {
		_, _ = to.Write(packet) // what a device does not take is lost, as on any wire
		return
	}
	time.AfterFunc(wait, func() {
		if !w.ended.Load() {
			_, _ = to.Write(packet)
		}
	})
}

// device makes a TUN device, which lives as long as its file.
func device(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

func ip(ctx context.Context, args ...string) (out string, err error) {
	text, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	return strings.TrimSpace(string(text)), err
}
