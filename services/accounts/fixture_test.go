package accounts

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	olliMail     = "titan@example.com"
	olliPassword = "WoWar1chUnsicher?"
	publicURL    = "https://id.example.org"
)

// callers may reach the service; each method admits some of them.
var callers = []string{api.Gateway, api.Sessions, api.OAuth, api.Operator}

var browser = api.Origin{Address: "192.0.2.7", UserAgent: "Browser/1"}

// fixture is a service with everything around it.
type fixture struct {
	*Service
	t      *testing.T
	db     *db.DB
	clock  *clockwork.FakeClock
	mail   *mailbox
	obs    *obs.Obs
	log    *testkit.Log
	hashes *atomic.Int64 // begun
}

// onEach runs the test with a service on each database.
func onEach(t *testing.T, test func(f *fixture), change ...func(*Config, *Deps)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, accounts.Name, Migrations, func(t *testing.T, d *db.DB) {
		test(newFixture(t, d, change...))
	})
}

func newFixture(t *testing.T, d *db.DB, change ...func(*Config, *Deps)) *fixture {
	t.Helper()
	f := &fixture{t: t, db: d, clock: testkit.Clock(), mail: &mailbox{}, log: &testkit.Log{}, hashes: &atomic.Int64{}}
	o, shutdown, err := obs.New(t.Context(), obs.Options{Service: accounts.Name, LogLevel: slog.LevelDebug, LogWriter: f.log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shutdown(context.Background())) })
	f.obs = o

	// Hashes that cost next to nothing, as most tests are not about them.
	c := Config{PublicURL: publicURL, SelfRegistration: true, Argon2Memory: 64, Argon2Passes: 1, HashConcurrency: 4}
	deps := Deps{
		Obs: o, Clock: f.clock, DB: d, Ring: testkit.Ring(t), Mail: f.mail,
		aroundHash: func(compute func()) { f.hashes.Add(1); compute() },
	}
	for _, fn := range change {
		fn(&c, &deps)
	}
	f.Service, err = New(t.Context(), c, deps)
	require.NoError(t, err)
	return f
}

// local reaches the service as a caller in the same process does.
func (f *fixture) local(caller string) accounts.Service {
	server := rpc.NewServer(rpc.ServerOptions{Service: accounts.Name, Callers: callers, Obs: f.obs})
	accounts.Mount(server, f.Service)
	return accounts.NewClient(server.Local(caller))
}

// remote reaches the service as a caller in another process does.
func (f *fixture) remote(caller string) accounts.Service {
	server := rpc.NewServer(rpc.ServerOptions{
		Service: accounts.Name, Callers: callers, Insecure: true, Obs: f.obs,
	})
	accounts.Mount(server, f.Service)
	return accounts.NewClient(testkit.Remote(f.t, server, accounts.Name, caller))
}

// initiate registers an address and gives the mailed link.
func (f *fixture) initiate(email string) (link string) {
	f.t.Helper()
	_, err := f.InitiateActivation(f.t.Context(), registration(email))
	require.NoError(f.t, err)
	f.deliver()
	sent := f.mail.to(email)
	require.NotEmpty(f.t, sent, "no mail to %s", email)
	return linkOf(sent[len(sent)-1])
}

func registration(email string) accounts.InitiateActivationRequest {
	return accounts.InitiateActivationRequest{
		FirstName: "Olli", LastName: "Kahn", Email: email, Language: accounts.English, Origin: browser,
	}
}

// open uses a link up.
func (f *fixture) open(link string) accounts.OpenedLink {
	f.t.Helper()
	opened, err := f.OpenLink(f.t.Context(), accounts.OpenLinkRequest{Link: link, Origin: browser})
	require.NoError(f.t, err)
	return opened
}

// finishing is what finishes an opened activation.
func finishing(o accounts.OpenedLink) accounts.FinishActivationRequest {
	return accounts.FinishActivationRequest{
		Activation: o.Activation, User: o.User.ID, Kind: o.Kind, Name: "Nordantech",
		Password: olliPassword, PasswordConfirmation: olliPassword, Terms: true, Origin: browser,
	}
}

// register makes an active user, who owns a hub.
func (f *fixture) register(email string) accounts.Identity {
	f.t.Helper()
	identity, err := f.FinishActivation(f.t.Context(), finishing(f.open(f.initiate(email))))
	require.NoError(f.t, err)
	return identity
}

func (f *fixture) authenticate(login, password string) (accounts.Identity, error) {
	return f.Authenticate(f.t.Context(), accounts.AuthenticateRequest{Login: login, Password: password, Origin: browser})
}

// deliver hands over all mail that is due.
func (f *fixture) deliver() {
	f.t.Helper()
	require.NoError(f.t, f.outbox.Drain(f.t.Context()))
}

// exec changes the database behind the service's back.
func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	_, err := f.db.Exec(f.t.Context(), query, args...)
	require.NoError(f.t, err)
}

// count is the number a query gives.
func (f *fixture) count(query string, args ...any) (n int64) {
	f.t.Helper()
	require.NoError(f.t, f.db.QueryRow(f.t.Context(), query, args...).Scan(&n))
	return n
}

// linkOf is the secret in a mail; the URL of one that has none.
func linkOf(m mail.SendRequest) string {
	url := m.Data["url"]
	return url[strings.LastIndexByte(url, '/')+1:]
}

// requireFault wants a fault of the kind with that text.
func requireFault(t *testing.T, err error, kind fault.Kind, message string) *fault.Fault {
	t.Helper()
	require.Error(t, err)
	got := fault.From(err)
	require.Equal(t, kind, got.Kind, "%v", err)
	require.Equal(t, message, got.Message.ID, "%v", err)
	return got
}

// mailbox is a mail service that keeps to its contract: one key is one mail.
type mailbox struct {
	mail.Service

	mu       sync.Mutex
	away     error // what Send returns instead
	onSend   func(mail.SendRequest)
	attempts int
	sent     []mail.SendRequest
}

func (m *mailbox) Send(_ context.Context, r mail.SendRequest) (api.Nothing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts++
	if m.away != nil {
		return api.Nothing{}, m.away
	}
	for _, earlier := range m.sent {
		if earlier.Key == r.Key {
			return api.Nothing{}, nil
		}
	}
	m.sent = append(m.sent, r)
	if m.onSend != nil {
		m.onSend(r)
	}
	return api.Nothing{}, nil
}

func (m *mailbox) setAway(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = err
}

func (m *mailbox) tried() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.attempts
}

func (m *mailbox) all() []mail.SendRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]mail.SendRequest(nil), m.sent...)
}

func (m *mailbox) to(address string) (found []mail.SendRequest) {
	for _, r := range m.all() {
		if strings.EqualFold(r.To, address) {
			found = append(found, r)
		}
	}
	return found
}
