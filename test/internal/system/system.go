package system

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/sink"
)

// manyCalls lifts the rate limits: a test is one address that does the work of
// many people.
var manyCalls = []string{"GATEHOUSE_RATE_ADDRESS=100000000", "GATEHOUSE_RATE_USER=100000000"}

// startTime bounds how long a Gatehouse may take to serve.
const startTime = 60 * time.Second

// System is a running Gatehouse.
type System struct {
	// URL is the public origin, without a slash at the end.
	URL string
	// Debug are the addresses of the debug ports, by process.
	Debug map[string]string
	// DataDir holds the databases of a standalone Gatehouse on embedded storage.
	DataDir string
	// Logs is what all processes have logged.
	Logs *testkit.Log
	// Operate runs the operator's command line against the storage and returns
	// the JSON it printed.
	Operate func(t testing.TB, args ...string) []byte

	// Authority has issued the certificates of a cluster.
	Authority *testkit.Authority

	sink      *sink.Server // nil: mails are in the development mailbox
	names     []string     // of the instances, as they were started
	instances map[string]*instance
	// mails reads the mailbox of a deployment, where addresses have the suffix.
	mails    func(t testing.TB, to string) []Mail
	suffix   string
	replicas []string // origins
}

// Each runs the test on both shapes, or on the deployment that the environment
// names.
func Each(t *testing.T, test func(t *testing.T, s *System)) {
	t.Helper()
	if deployed() {
		t.Run("deployment", func(t *testing.T) { test(t, deployment(t)) })
		return
	}
	t.Run("one process", func(t *testing.T) { test(t, Standalone(t)) })
	t.Run("five processes", func(t *testing.T) { test(t, Cluster(t)) })
}

// Address is the address of somebody who is called so: that of nobody else, also
// where other tests have been before.
func (s *System) Address(name string) string { return name + s.suffix + "@example.org" }

// HasTexts tells whether text messages end in the mailbox, too.
func (s *System) HasTexts() bool { return s.mails == nil }

// newLog is shown when the test fails: the end of it, without what is for debugging;
// all of it with -v.
func newLog(t testing.TB) *testkit.Log {
	t.Helper()
	l := &testkit.Log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the processes said:\n%s", ending(l))
		}
	})
	return l
}

// shownLines is how much of a log a failure shows.
const shownLines = 40

func ending(l *testkit.Log) string {
	if testing.Verbose() {
		return l.String()
	}
	lines := slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"DEBUG"`)
	})
	return strings.Join(lines[max(0, len(lines)-shownLines):], "\n")
}

// HTTP is a client with a time limit for tests.
func HTTP() *http.Client { return &http.Client{Timeout: 20 * time.Second} }

// Eventually waits until the condition holds. It asks again every few
// milliseconds, because what it waits for is in another process.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(startTime)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			require.FailNow(t, "waited in vain for "+what)
		case <-again.C:
		}
	}
}

// Free ports are below those that systems give to connections: one of these could
// be taken while a process that is to listen there is away.
const firstPort, lastPort = 15000, 30000

// freePorts are those that were given away.
var freePorts struct {
	sync.Mutex
	taken map[int]bool
}

// FreePort is a port for something that a test starts by itself.
func FreePort(t testing.TB) int {
	t.Helper()
	return freePort(t)
}

// freePort is a port that nobody listens on right now.
func freePort(t testing.TB) int {
	t.Helper()
	freePorts.Lock()
	defer freePorts.Unlock()
	if freePorts.taken == nil {
		freePorts.taken = map[int]bool{}
	}
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if freePorts.taken[port] {
			continue
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		freePorts.taken[port] = true
		return port
	}
	require.FailNow(t, "there is no free port")
	return 0
}

// answers tells whether a GET of the URL is answered with 200.
func answers(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	res, err := HTTP().Do(r)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}
