package challenge

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/pquerna/otp/totp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	olliMail = "titan@example.com"
	number   = "+4915123456789"
	seed     = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

var browser = api.Origin{Address: "192.0.2.7", UserAgent: "Browser/1"}

type fixture struct {
	*Challenges
	t     *testing.T
	db    *db.DB
	clock *clockwork.FakeClock
	box   *outbox.Outbox
	sent  []mail.SendRequest
	user  store.User
}

// onEach runs the test with an active user on each database.
func onEach(t *testing.T, test func(f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, "accounts", os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		f := &fixture{t: t, db: d, clock: testkit.Clock()}
		ring := testkit.Ring(t)
		f.box = outbox.New(outbox.Options{
			DB: d, Ring: ring, Clock: f.clock, Registry: prometheus.NewRegistry(),
			Handlers: map[string]outbox.Handler{
				"mail": func(_ context.Context, d outbox.Delivery) error {
					var m struct {
						Request mail.SendRequest `json:"request"`
					}
					defer func() { f.sent = append(f.sent, m.Request) }()
					return json.Unmarshal(d.Payload, &m)
				},
			},
		})
		f.Challenges = New(Options{DB: d, Outbox: f.box, Ring: ring, Clock: f.clock})
		f.user = f.activate(olliMail)
		test(f)
	})
}

func (f *fixture) tx(fn func(ctx context.Context, tx *db.Tx) error) {
	f.t.Helper()
	require.NoError(f.t, f.db.Tx(f.t.Context(), fn))
}

func (f *fixture) activate(address string) (user store.User) {
	f.t.Helper()
	email, err := input.ParseEmail(address)
	require.NoError(f.t, err)
	f.tx(func(ctx context.Context, tx *db.Tx) error {
		_, err := store.InsertInvited(ctx, tx, email, accounts.English, f.clock.Now())
		require.NoError(f.t, err)
		user, err = store.UserByEmail(ctx, tx, email.Key)
		require.NoError(f.t, err)
		_, err = store.Activate(ctx, tx, user.ID, "Olli", "Kahn", accounts.English, f.clock.Now())
		require.NoError(f.t, err)
		user, err = store.UserByID(ctx, tx, user.ID)
		return err
	})
	return user
}

// give gives the user a confirmed factor.
func (f *fixture) give(channel accounts.Channel) (factor store.Factor) {
	f.t.Helper()
	factor = store.Factor{Hash: ids.New(), User: f.user.ID, Channel: channel}
	secret := map[accounts.Channel]string{accounts.ChannelSMS: number, accounts.ChannelApp: seed}[channel]
	var err error
	factor.Sealed, err = f.Seal(channel, factor.Hash, secret)
	require.NoError(f.t, err)
	f.tx(func(ctx context.Context, tx *db.Tx) error {
		factor, err = store.InsertFactor(ctx, tx, factor, f.clock.Now())
		require.NoError(f.t, err)
		factor, err = store.ConfirmFactor(ctx, tx, factor.ID, f.clock.Now())
		return err
	})
	return factor
}

func (f *fixture) tryStart(minimum accounts.Channel) (ch accounts.Challenge, err error) {
	err = f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		ch, err = f.Start(ctx, tx, Request{User: f.user, Minimum: minimum, Origin: browser})
		return err
	})
	return ch, err
}

func (f *fixture) start() accounts.Challenge {
	f.t.Helper()
	ch, err := f.tryStart(0)
	require.NoError(f.t, err)
	return ch
}

// last is what was sent last.
func (f *fixture) last() mail.SendRequest {
	f.t.Helper()
	require.NoError(f.t, f.box.Drain(f.t.Context()))
	require.NotEmpty(f.t, f.sent)
	return f.sent[len(f.sent)-1]
}

func (f *fixture) answer(challenge int64, code string) (accounts.Confirmation, error) {
	return f.Confirm(f.t.Context(), accounts.ConfirmCodeRequest{User: f.user.ID, Challenge: challenge, Code: code, Origin: browser})
}

func (f *fixture) resend(challenge int64, channel accounts.Channel) (accounts.Challenge, error) {
	return f.Send(f.t.Context(), accounts.SendCodeRequest{User: f.user.ID, Challenge: challenge, Channel: channel, Origin: browser})
}

// appCode is that of the app, whose clock is ahead by so much.
func (f *fixture) appCode(ahead time.Duration) string {
	f.t.Helper()
	code, err := totp.GenerateCode(seed, f.clock.Now().Add(ahead))
	require.NoError(f.t, err)
	return code
}

func (f *fixture) count(query string, args ...any) (n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.QueryRow(f.t.Context(), query, args...).Scan(&n))
	return n
}

// other is a code of as many digits that is a different one.
func other(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}

func requireFault(t *testing.T, err error, kind fault.Kind, message string) *fault.Fault {
	t.Helper()
	require.Error(t, err)
	got := fault.From(err)
	require.Equal(t, kind, got.Kind, "%v", err)
	require.Equal(t, message, got.Message.ID, "%v", err)
	return got
}

func requireField(t *testing.T, err error, field, message string) {
	t.Helper()
	got := requireFault(t, err, fault.Invalid, "fault.invalid")
	require.Len(t, got.Fields[field], 1, "%v", err)
	require.Equal(t, message, got.Fields[field][0].ID)
}
