// Package load_test measures whole requests, through HTTP and every service,
// on both databases. Run it with `make bench`.
package load_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

// client keeps its connections: what is measured is Gatehouse, not handshakes.
var client = &http.Client{
	Timeout:   time.Minute,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

// connections is how many requests are under way at a time.
var connections = perProcessor * runtime.GOMAXPROCS(0)

const perProcessor = 4

// each runs the benchmark on SQLite and on PostgreSQL.
func each(b *testing.B, run func(b *testing.B, s *system.System)) {
	b.Helper()
	for _, dialect := range []string{"sqlite", "postgres"} {
		b.Run(dialect, func(b *testing.B) {
			o := system.StandaloneOptions{Quiet: true, Environ: []string{"GATEHOUSE_RATE_OAUTH_FAILURES=100000000"}}
			if dialect == "postgres" {
				o.DatabaseURL = testkit.DatabaseURL(b, dialect)
			}
			run(b, system.StandaloneWith(b, o))
		})
	}
}

// BenchmarkArgon2id is the bare cost of one password check with the default
// parameters: the floor under a login.
func BenchmarkArgon2id(b *testing.B) {
	salt := make([]byte, 16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			argon2.IDKey([]byte("correct horse battery staple"), salt, 2, 19*1024, 1, 32)
		}
	})
}

// BenchmarkLogin is POST /v1/auth, to be read next to BenchmarkArgon2id. Each
// connection is somebody else: of one person, not many attempts count at once.
func BenchmarkLogin(b *testing.B) {
	each(b, func(b *testing.B, s *system.System) {
		bodies := make(chan string, connections)
		for i := range cap(bodies) {
			person, _ := s.Register(b, fmt.Sprintf("load%d@example.org", i))
			body, err := json.Marshal(map[string]string{"user": person.Email, "password": person.Password})
			require.NoError(b, err)
			bodies <- string(body)
		}
		atOnce(b, func() func() *http.Request {
			body := <-bodies
			return func() *http.Request {
				r := newRequest(b, http.MethodPost, s.URL+"/v1/auth", body)
				r.Header.Set("Content-Type", "application/json")
				return r
			}
		})
	})
}

// BenchmarkSession is GET /v1/auth.
func BenchmarkSession(b *testing.B) {
	each(b, func(b *testing.B, s *system.System) {
		_, a := s.Register(b, "load@example.org")
		parallel(b, func() *http.Request {
			r := newRequest(b, http.MethodGet, s.URL+"/v1/auth", "")
			r.Header.Set("Authorization", "Bearer "+a.Token)
			return r
		})
	})
}

func newRequest(b *testing.B, method, address, body string) *http.Request {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.Error(err)
	}
	return r
}

// parallel sends requests from several connections at once and asserts that
// each is answered with 200.
func parallel(b *testing.B, request func() *http.Request) {
	b.Helper()
	atOnce(b, func() func() *http.Request { return request })
}

// atOnce is parallel with something for each connection to make its requests with.
func atOnce(b *testing.B, connect func() (request func() *http.Request)) {
	b.Helper()
	b.SetParallelism(perProcessor)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		request := connect()
		for pb.Next() {
			do(b, request())
		}
	})
	perSecond(b)
}

func do(b *testing.B, r *http.Request) map[string]any {
	b.Helper()
	res, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Errorf("status %d: %s %v", res.StatusCode, body, err)
	}
	var answer map[string]any
	_ = json.Unmarshal(body, &answer)
	return answer
}

func perSecond(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
