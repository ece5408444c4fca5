package sessions

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	olli     = int64(7)
	mia      = int64(8)
	olliHash = "c9985d6528dc7ad0d6faa2b99a545034c506347b"
)

// callers may reach the service; each method admits some of them.
var callers = []string{api.Gateway, api.Accounts}

var browser = api.Origin{Address: "192.0.2.7", UserAgent: "Browser/1"}

// fixture is a service on a database, with a clock that stands still.
type fixture struct {
	*Service
	t     testing.TB
	db    *db.DB
	clock *clockwork.FakeClock
	obs   *obs.Obs
	ring  *keyring.Ring
	audit *auditor
	apps  *apps
	c     Config
}

// auditor keeps the events that the service hands over.
type auditor struct {
	accounts.Auditing // what is not doubled panics

	mu     sync.Mutex
	err    error // what the next call answers
	events []accounts.RecordEventRequest
}

func (a *auditor) RecordEvent(_ context.Context, r accounts.RecordEventRequest) (api.Nothing, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.err; err != nil {
		a.err = nil
		return api.Nothing{}, err
	}
	a.events = append(a.events, r)
	return api.Nothing{}, nil
}

// apps keep what the oauth service is told of.
type apps struct {
	oauth.Logouts // what is not doubled panics

	mu   sync.Mutex
	err  error // what the next call answers
	told []oauth.SessionsEndedRequest
}

func (a *apps) SessionsEnded(_ context.Context, r oauth.SessionsEndedRequest) (api.Nothing, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.err; err != nil {
		a.err = nil
		return api.Nothing{}, err
	}
	a.told = append(a.told, r)
	return api.Nothing{}, nil
}

// told gives what the oauth service was told so far, and forgets it.
func (f *fixture) told() []oauth.SessionsEndedRequest {
	f.t.Helper()
	require.NoError(f.t, f.outbox.Drain(f.t.Context()))
	f.apps.mu.Lock()
	defer f.apps.mu.Unlock()
	told := f.apps.told
	f.apps.told = nil
	return told
}

// audited gives the events so far, without their keys, and forgets them.
func (f *fixture) audited() []accounts.RecordEventRequest {
	f.t.Helper()
	require.NoError(f.t, f.outbox.Drain(f.t.Context()))
	f.audit.mu.Lock()
	defer f.audit.mu.Unlock()
	events := f.audit.events
	f.audit.events = nil
	for i := range events {
		require.Regexp(f.t, "^[0-9a-f]{40}$", events[i].Key)
		events[i].Key = ""
	}
	return events
}

// onEach runs the test with a service on each database.
func onEach(t *testing.T, test func(t *testing.T, f *fixture), change ...func(*Config)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, sessions.Name, Migrations, func(t *testing.T, d *db.DB) {
		test(t, newFixture(t, d, change...))
	})
}

func newFixture(tb testing.TB, d *db.DB, change ...func(*Config)) *fixture {
	tb.Helper()
	f := &fixture{
		t: tb, db: d, clock: testkit.Clock(), obs: obs.Nop(), ring: testkit.Ring(tb), audit: &auditor{}, apps: &apps{},
		c: Config{PublicURL: "https://id.example.org", Leeway: time.Second},
	}
	for _, fn := range change {
		fn(&f.c)
	}
	f.Service = f.replica()
	return f
}

// replica is another process of the service on the same database.
func (f *fixture) replica() *Service {
	f.t.Helper()
	s, err := New(f.t.Context(), f.c, Deps{Obs: f.obs, Clock: f.clock, DB: f.db, Ring: f.ring, Accounts: f.audit, OAuth: f.apps})
	require.NoError(f.t, err)
	return s
}

// local reaches the service as a caller in the same process does.
func (f *fixture) local(caller string) sessions.Service {
	server := rpc.NewServer(rpc.ServerOptions{Service: sessions.Name, Callers: callers, Obs: f.obs})
	sessions.Mount(server, f.Service)
	return sessions.NewClient(server.Local(caller))
}

// remote reaches the service as a caller in another process does.
func (f *fixture) remote(caller string) sessions.Service {
	server := rpc.NewServer(rpc.ServerOptions{Service: sessions.Name, Callers: callers, Insecure: true, Obs: f.obs})
	sessions.Mount(server, f.Service)
	return sessions.NewClient(testkit.Remote(f.t, server, sessions.Name, caller))
}

// login is a request for a full session.
func login(user int64, hub *int64) sessions.CreateRequest {
	return sessions.CreateRequest{
		User: user, UserHash: olliHash, Hub: hub, Scope: sessions.ScopeFull,
		Methods: []sessions.Method{sessions.MethodPassword}, Origin: browser,
	}
}

func (f *fixture) open(r sessions.CreateRequest) sessions.Token {
	f.t.Helper()
	token, err := f.Create(f.t.Context(), r)
	require.NoError(f.t, err)
	return token
}

func (f *fixture) resolve(token string) (sessions.Resolved, error) {
	return f.Resolve(f.t.Context(), sessions.ResolveRequest{Token: token})
}

// good wants tokens to resolve.
func (f *fixture) good(tokens ...sessions.Token) {
	f.t.Helper()
	for _, token := range tokens {
		got, err := f.resolve(token.Token)
		require.NoError(f.t, err)
		require.Equal(f.t, token.Session.ID, got.Session.ID)
	}
}

// over wants tokens to be refused because their session is over.
func (f *fixture) over(tokens ...sessions.Token) {
	f.t.Helper()
	for _, token := range tokens {
		_, err := f.resolve(token.Token)
		requireFault(f.t, err, fault.Unauthenticated, "fault.session_expired")
	}
}

func (f *fixture) count(query string, args ...any) (n int64) {
	f.t.Helper()
	require.NoError(f.t, f.db.QueryRow(f.t.Context(), query, args...).Scan(&n))
	return n
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	_, err := f.db.Exec(f.t.Context(), query, args...)
	require.NoError(f.t, err)
}

// run runs the service until the test, or stop, ends it.
func (f *fixture) run() (stop func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(f.t, <-done)
	}
}

func requireFault(tb testing.TB, err error, kind fault.Kind, message string) {
	tb.Helper()
	require.Error(tb, err)
	got := fault.From(err)
	require.Equal(tb, kind, got.Kind, "%v", err)
	require.Equal(tb, message, got.Message.ID, "%v", err)
}

func ref(n int64) *int64 { return &n }

// actor is whoever uses the token.
func actor(t sessions.Token) api.Actor {
	return api.Actor{
		User: t.Session.User, Hub: t.Session.Hub, Session: t.Session.ID, MFA: t.Session.MFA,
		Impersonator: t.Session.Impersonator, PAT: t.Session.PAT, Origin: browser,
	}
}

func testClockAt(t time.Time) *clockwork.FakeClock { return clockwork.NewFakeClockAt(t) }
