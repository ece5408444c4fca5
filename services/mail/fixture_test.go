package mail

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	names "github.com/gatehouse-id/gatehouse/pkg/api"
	api "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/smtptest"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// callers may reach the service; each method admits some of them.
var callers = []string{names.Accounts, names.Gateway, names.Operator}

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	recipient = "mia@example.com"
	link      = "https://id.example.org/link/8db560a23013ff54838d45e59a3f3f39f6720c86"
)

// fixture is a service on a database, with a clock that stands still.
type fixture struct {
	*Service
	t     *testing.T
	db    *db.DB
	clock *clockwork.FakeClock
	obs   *obs.Obs
	log   *testkit.Log
	ring  *keyring.Ring
	c     Config
	smtp  *smtptest.Server // nil with the development mailbox
}

// onEach runs the test with a service on each database, which delivers to the
// development mailbox.
func onEach(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, api.Name, Migrations, func(t *testing.T, d *db.DB) {
		test(t, newFixture(t, d, Config{DevMailbox: true}))
	})
}

// onEachSMTP runs it with a service that delivers to a server of these options.
func onEachSMTP(t *testing.T, options smtptest.Options, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, api.Name, Migrations, func(t *testing.T, d *db.DB) {
		test(t, newSMTPFixture(t, d, options))
	})
}

func newSMTPFixture(t *testing.T, d *db.DB, options smtptest.Options) *fixture {
	t.Helper()
	server := smtptest.New(t, options)
	c := Config{ProductName: "Pförtner", SMTP: SMTP{
		Host: "localhost", Port: server.Port, TLS: smtp.None, From: "Pförtner <no-reply@id.example.org>", Timeout: 10 * time.Second,
	}}
	if options.STARTTLS {
		c.SMTP.TLS, c.SMTP.CA, c.SMTP.Username, c.SMTP.Password = smtp.STARTTLS, server.CA, options.User, options.Password
	}
	f := newFixture(t, d, c)
	f.smtp = server
	return f
}

func newFixture(t *testing.T, d *db.DB, c Config) *fixture {
	t.Helper()
	f := &fixture{t: t, db: d, clock: testkit.Clock(), log: &testkit.Log{}, ring: testkit.Ring(t), c: c}
	o, shutdown, err := obs.New(t.Context(), obs.Options{Service: api.Name, LogLevel: slog.LevelDebug, LogWriter: f.log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shutdown(context.Background())) })
	f.obs = o
	f.Service = f.replica()
	return f
}

// replica is another process of the service on the same database.
func (f *fixture) replica() *Service {
	f.t.Helper()
	s, err := New(f.t.Context(), f.c, Deps{Obs: f.obs, Clock: f.clock, DB: f.db, Ring: f.ring})
	require.NoError(f.t, err)
	return s
}

// local reaches the service as a caller in the same process does.
func (f *fixture) local(caller string) api.Service {
	server := rpc.NewServer(rpc.ServerOptions{Service: api.Name, Callers: callers, Obs: f.obs})
	api.Mount(server, f.Service)
	return api.NewClient(server.Local(caller))
}

// remote reaches the service as a caller in another process does.
func (f *fixture) remote(caller string) api.Service {
	server := rpc.NewServer(rpc.ServerOptions{Service: api.Name, Callers: callers, Insecure: true, Obs: f.obs})
	api.Mount(server, f.Service)
	return api.NewClient(testkit.Remote(f.t, server, api.Name, caller))
}

// activation is a good request.
func activation(key string) api.SendRequest {
	return api.SendRequest{
		Key: key, Template: api.Activation, To: recipient, Language: 0, Data: map[string]string{"url": link},
	}
}

// complete is data that suffices for every template.
func complete() map[string]string {
	return map[string]string{
		"url": link, "hub": "Falcon", "name": "Olli Kahn", "email": "olli@example.com", "code": "493021",
		"minutes": "10", "hours": "24", "event": string(api.PasswordChanged), "time": "2026-03-04T17:05:06+01:00",
		"address": "203.0.113.7", "device": "Mozilla/5.0 (Windows NT 10.0; rv:147.0) Gecko/20100101 Firefox/147.0",
	}
}

func (f *fixture) send(r api.SendRequest) {
	f.t.Helper()
	_, err := f.Send(f.t.Context(), r)
	require.NoError(f.t, err)
}

// drain tries everything that is due.
func (f *fixture) drain() {
	f.t.Helper()
	for _, queue := range f.queues {
		require.NoError(f.t, queue.Drain(f.t.Context()))
	}
}

// pass lets time go by, with a try whenever one is due.
func (f *fixture) pass(d, step time.Duration) {
	f.t.Helper()
	for ; d > 0; d -= step {
		f.clock.Advance(step)
		f.drain()
	}
}

func (f *fixture) box() []api.Message {
	f.t.Helper()
	box, err := f.Mailbox(f.t.Context(), api.MailboxRequest{Limit: maxListed})
	require.NoError(f.t, err)
	return box.Messages
}

func (f *fixture) dead() []api.DeadLetter {
	f.t.Helper()
	dead, err := f.Dead(f.t.Context(), api.DeadRequest{})
	require.NoError(f.t, err)
	return dead.Letters
}

func (f *fixture) count(query string, args ...any) (n int64) {
	f.t.Helper()
	require.NoError(f.t, f.db.QueryRow(f.t.Context(), query, args...).Scan(&n))
	return n
}

// counted is the number of mails in a state, of any template.
func (f *fixture) counted(state string) (n int) {
	for _, name := range api.Templates() {
		n += int(testutil.ToFloat64(f.metrics.mails.WithLabelValues("email", string(name), state)))
	}
	return n
}

// delays is the sum of the delays of mails that were sent, in seconds.
func (f *fixture) delays() (sum float64) {
	f.t.Helper()
	r := prometheus.NewRegistry()
	require.NoError(f.t, r.Register(f.metrics.delay))
	families, err := r.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			sum += m.GetHistogram().GetSampleSum()
		}
	}
	return sum
}

// texted is the number of short messages in a state.
func (f *fixture) texted(state string) int {
	return int(testutil.ToFloat64(f.metrics.mails.WithLabelValues("sms", string(api.Code), state)))
}

// parts are the decoded subject and bodies of a mail, by media type.
func parts(t *testing.T, taken smtptest.Taken) (subject string, bodies map[string]string) {
	t.Helper()
	parsed, err := mail.ReadMessage(bytes.NewReader(taken.Data))
	require.NoError(t, err)
	subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	require.NoError(t, err)
	_, parameters, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	require.NoError(t, err)
	bodies = map[string]string{}
	reader := multipart.NewReader(parsed.Body, parameters["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF { //nolint:errorlint // as the package documents
			return subject, bodies
		}
		require.NoError(t, err)
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		bodies[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func requireFault(t *testing.T, err error, kind fault.Kind, fields ...string) {
	t.Helper()
	require.Error(t, err)
	got := fault.From(err)
	require.Equal(t, kind, got.Kind, "%v", err)
	for _, field := range fields {
		require.Len(t, got.Fields[field], 1, "%s: %v", field, err)
	}
	require.Len(t, got.Fields, len(fields), "%v", err)
}
