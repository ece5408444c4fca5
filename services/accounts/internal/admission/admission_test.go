package admission

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/directory"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/relay"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	none  = accounts.Channel(0)
	email = accounts.ChannelEmail
	sms   = accounts.ChannelSMS
	app   = accounts.ChannelApp
)

// challenges are those of a user with a strongest channel.
type challenges struct {
	strongest, answered accounts.Channel
	replace             bool
	err                 error

	started *challenge.Request
}

func (c *challenges) Start(_ context.Context, _ *db.Tx, r challenge.Request) (accounts.Challenge, error) {
	c.started = &r
	return accounts.Challenge{ID: 7, Channel: c.strongest}, c.err
}

func (c *challenges) Confirmed(context.Context, db.Queryer, int64, int64) (accounts.Channel, bool, bool, error) {
	return c.answered, c.replace, c.answered != none, nil
}

func (c *challenges) Strongest(context.Context, db.Queryer, int64) (accounts.Channel, error) {
	return c.strongest, nil
}

type fixture struct {
	*Gate

	db        *db.DB
	user, hub int64
}

var home = api.Origin{Address: "192.0.2.7", UserAgent: "Browser/1"}

// onEach gives the test a gate, and an active user in a hub who is known at home.
func onEach(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, accounts.Name, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		clock := testkit.Clock()
		o := obs.Nop()
		box := outbox.New(outbox.Options{
			DB: d, Ring: testkit.Ring(t), Clock: clock, Logger: o.Logger, Registry: o.Registry, Tracer: o.Tracer,
			Handlers: relay.Handlers(relay.Services{}, clock),
		})
		f := &fixture{db: d, Gate: New(Options{
			DB: d, Outbox: box, Clock: clock, Challenges: &challenges{strongest: email}, Unusual: Code,
			Directory: directory.New(directory.Options{DB: d, Clock: clock}),
		})}
		f.populate(t, clock.Now())
		f.admit(t, accounts.StepNone, accounts.AdmitRequest{Proof: accounts.ProofPassword, Origin: home})
		test(t, f)
	})
}

func (f *fixture) populate(t *testing.T, now time.Time) {
	t.Helper()
	address, err := input.ParseEmail("titan@example.com")
	require.NoError(t, err)
	require.NoError(t, f.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		if _, err := store.InsertInvited(ctx, tx, address, accounts.English, now); err != nil {
			return err
		}
		user, err := store.UserByEmail(ctx, tx, address.Key)
		if err != nil {
			return err
		}
		hub, err := store.InsertHub(ctx, tx, "Nordantech", now)
		if err != nil {
			return err
		}
		f.user, f.hub = user.ID, hub.ID
		_, err = store.Activate(ctx, tx, user.ID, "Olli", "Kahn", accounts.English, now)
		return err
	}))
	f.exec(t, `INSERT INTO memberships (hub_id, user_id, role, number, hash, joined_time, created_time, modified_time)
		VALUES ($1, $2, 5, $2, 'x', $3, $3, $3)`, f.hub, f.user, db.Micros(now))
}

func (f *fixture) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	_, err := f.db.Exec(t.Context(), query, args...)
	require.NoError(t, err)
}

// admit wants the step.
func (f *fixture) admit(t *testing.T, want accounts.Step, r accounts.AdmitRequest) accounts.Admission {
	t.Helper()
	r.User, r.Hub = f.user, &f.hub
	a, err := f.Admit(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, want, a.Step)
	require.Equal(t, f.hub, a.Account.Hub.ID)
	return a
}

// TestCodesAndFactors has every case of who needs which.
func TestCodesAndFactors(t *testing.T) {
	const (
		password, identity = accounts.ProofPassword, accounts.ProofIdentity
		link, token        = accounts.ProofLink, accounts.ProofToken
		passkey            = accounts.ProofPasskey
		session            = accounts.ProofSession
		in, code, factor   = accounts.StepNone, accounts.StepCode, accounts.StepFactor
	)
	onEach(t, func(t *testing.T, f *fixture) {
		for _, tt := range []struct {
			proof     accounts.Proof
			wish      bool             // of the user's, to be asked
			demand    accounts.Channel // of the hub's
			strongest accounts.Channel
			answered  accounts.Channel
			away      bool // from home
			step      accounts.Step
			minimum   accounts.Channel // of the challenge
		}{
			{password, false, none, email, none, false, in, none},
			{password, true, none, email, none, false, code, email},
			{password, true, none, email, email, false, in, none},
			{password, false, none, sms, none, false, code, email},
			{password, false, none, app, email, false, in, none},
			{password, false, none, email, none, true, code, email},
			{identity, false, none, email, none, true, code, email},
			{identity, false, none, email, none, false, in, none},

			{password, false, email, email, none, false, code, email},
			{password, false, email, email, email, false, in, none},
			{password, false, sms, email, none, false, code, email},
			{password, false, sms, email, email, false, factor, none},
			{password, false, sms, sms, email, false, code, sms},
			{password, false, sms, app, sms, false, in, none},
			{password, false, app, sms, none, false, code, sms},
			{password, false, app, sms, sms, false, factor, none},
			{password, false, app, app, sms, false, code, app},
			{password, false, app, app, app, false, in, none},
			{identity, false, app, app, app, true, in, none},

			{link, false, none, email, none, true, in, none},
			{link, true, none, email, none, false, in, none},
			{link, false, email, email, none, false, in, none},
			{link, false, none, sms, none, false, code, sms},
			{link, false, none, app, none, false, code, sms},
			{link, false, none, app, email, false, code, sms},
			{link, false, none, app, app, false, in, none},
			{link, false, sms, email, none, false, code, email},
			{link, false, sms, email, email, false, factor, none},

			{session, false, none, email, none, true, in, none},
			{session, false, none, app, none, false, code, email},
			{session, false, app, app, sms, false, code, app},
			{session, false, app, app, app, false, in, none},

			{passkey, true, app, app, none, true, in, none},
			{passkey, true, app, email, none, true, in, none},
			{token, true, app, app, none, true, in, none},
			{token, true, app, email, none, true, in, none},
		} {
			name := fmt.Sprintf("%+v", tt)
			f.exec(t, `UPDATE users SET login_confirmation = $1`, tt.wish)
			f.exec(t, `UPDATE hubs SET login_confirmation = $1, login_confirmation_channel = $2`, tt.demand != none, max(tt.demand, email))
			f.exec(t, `DELETE FROM known_places WHERE value NOT IN ('browser', '192.0.0.0/16')`)
			c := &challenges{strongest: tt.strongest, answered: tt.answered}
			f.o.Challenges = c
			r := accounts.AdmitRequest{User: f.user, Hub: &f.hub, Proof: tt.proof, Origin: home}
			if tt.away {
				r.Origin.Address = "203.0.113.1"
			}
			if tt.answered != none {
				r.Challenge = new(int64)
			}
			a, err := f.Admit(t.Context(), r)
			require.NoError(t, err, name)
			require.Equal(t, tt.step, a.Step, name)
			require.Equal(t, tt.step == code, a.Challenge != nil, name)
			if tt.step == code {
				require.Equal(t, tt.minimum, c.started.Minimum, name)
				require.Equal(t, tt.away, c.started.Unusual, name)
				require.Equal(t, f.user, c.started.User.ID, name)
			}
		}
	})
}

// TestALostFactorIsReplacedFirst whether or not a code would have been needed.
func TestALostFactorIsReplacedFirst(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.exec(t, `UPDATE users SET password_update = TRUE, terms_confirmation = TRUE`)
		c := &challenges{strongest: app, answered: app, replace: true}
		f.o.Challenges = c
		r := accounts.AdmitRequest{Proof: accounts.ProofPassword, Origin: home, Challenge: new(int64)}
		f.admit(t, accounts.StepFactor, r)
		c.strongest = email
		f.admit(t, accounts.StepFactor, r)
		c.replace = false
		f.admit(t, accounts.StepPassword, r)
		f.exec(t, `UPDATE users SET password_update = FALSE`)
		f.admit(t, accounts.StepTerms, r)
		f.exec(t, `UPDATE users SET terms_confirmation = FALSE`)
		f.admit(t, accounts.StepNone, r)
	})
}

// TestAChallengeThatCannotBeAskedKeepsOut also those for whom it is a courtesy.
func TestAChallengeThatCannotBeAskedKeepsOut(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.o.Challenges = &challenges{strongest: email, err: fault.New(fault.Throttled, "")}
		_, err := f.Admit(t.Context(), accounts.AdmitRequest{
			User: f.user, Hub: &f.hub, Proof: accounts.ProofPassword, Origin: api.Origin{Address: "203.0.113.1"},
		})
		require.True(t, fault.Is(err, fault.Throttled), "%v", err)
	})
}
