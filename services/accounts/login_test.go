package accounts

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestWhoeverCannotLogInCostsTheSame counts what takes time, hashes and
// records, instead of measuring it.
func TestWhoeverCannotLogInCostsTheSame(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		f.register("disabled@example.com")
		f.exec(`UPDATE users SET status = $1 WHERE email = 'disabled@example.com'`, accounts.Disabled)
		f.register("keyless@example.com")
		f.exec(`DELETE FROM credentials WHERE user_id = (SELECT id FROM users WHERE email = 'keyless@example.com')`)
		f.initiate("invited@example.com")
		for _, tt := range []struct{ login, password, outcome string }{
			{olliMail, "wrong password", "password"},
			{olliMail, strings.Repeat("x", 1<<20), "password"},
			{"nobody@example.com", olliPassword, "unknown"},
			{"nobody", olliPassword, "unknown"},
			{"no\x00body\xff", olliPassword, "unknown"},
			{strings.Repeat("x", 1<<20), olliPassword, "unknown"},
			{"disabled@example.com", olliPassword, "disabled"},
			{"invited@example.com", olliPassword, "invited"},
			{"keyless@example.com", olliPassword, "no_password"},
		} {
			hashes, records := f.hashes.Load(), f.count(`SELECT COUNT(*) FROM audit`)
			counted := f.logins(tt.outcome)
			_, err := f.authenticate(tt.login, tt.password)
			requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
			require.EqualValues(f.t, 1, f.hashes.Load()-hashes, "hashes for %.30q", tt.login)
			require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit`)-records, "records for %.30q", tt.login)
			require.InDelta(f.t, 1, f.logins(tt.outcome)-counted, 0, "%s", tt.outcome)
		}
		hashes := f.hashes.Load()
		_, err := f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err)
		require.EqualValues(f.t, 1, f.hashes.Load()-hashes)
	})
}

// logins is a counter of the registry.
func (f *fixture) logins(outcome string) float64 {
	f.t.Helper()
	families, err := f.obs.Registry.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		if family.GetName() != "gatehouse_accounts_logins_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == outcome {
				return m.GetCounter().GetValue()
			}
		}
	}
	f.t.Fatalf("there is no outcome %s", outcome)
	return 0
}

func TestLoginByAlias(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		f.exec(`UPDATE users SET alias = 'Olli.Kahn', alias_key = 'olli.kahn'`)
		identity, err := f.authenticate("OLLI.kahn ", olliPassword)
		require.NoError(f.t, err)
		require.Equal(f.t, "Olli.Kahn", identity.User.Alias)
	})
}

func TestAPasswordIsTheSameFromEveryKeyboard(t *testing.T) {
	onEach(t, func(f *fixture) {
		r := finishing(f.open(f.initiate(olliMail)))
		r.Password, r.PasswordConfirmation = "Ångström①②③④⑤", "A\u030angstro\u0308m12345"
		_, err := f.FinishActivation(t.Context(), r)
		require.NoError(f.t, err)
		_, err = f.authenticate(olliMail, "Ångström12345")
		require.NoError(f.t, err)
		_, err = f.authenticate(olliMail, "Angstrom12345")
		requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
	})
}

func TestLoginsAreOnRecord(t *testing.T) {
	onEach(t, func(f *fixture) {
		identity := f.register(olliMail)
		f.exec(`DELETE FROM audit`)
		f.come(olliMail, olliPassword)
		_, err := f.authenticate(olliMail, "wrong password")
		require.Error(f.t, err)
		_, err = f.authenticate("nobody", "wrong password")
		require.Error(f.t, err)
		got := f.strings(`SELECT kind || ' ' || COALESCE(CAST(user_id AS TEXT), '-') || ' ' || COALESCE(CAST(hub_id AS TEXT), '-')
			|| ' ' || COALESCE(CAST(actor_id AS TEXT), '-') || ' ' || address || ' ' || user_agent || ' ' || detail FROM audit ORDER BY id`)
		id, hub := identity.User.ID, identity.Hub.ID
		require.Equal(f.t, []string{
			fmt.Sprintf(`login.succeeded %d %d %d 192.0.2.7 Browser/1 {"proof":"password"}`, id, hub, id),
			fmt.Sprintf(`login.failed %d - - 192.0.2.7 Browser/1 {"reason":"password"}`, id),
			`login.failed - - - 192.0.2.7 Browser/1 {"reason":"unknown"}`,
		}, got)
		require.EqualValues(f.t, 3, f.count(`SELECT COUNT(*) FROM audit WHERE created_time = $1`, f.clock.Now().UnixMicro()))
	})
}

func TestALoginWithoutARecordIsNone(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		f.exec(`DROP TABLE audit`)
		identity, err := f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err, "a password alone is no login yet")
		_, err = f.Admit(t.Context(), admitting(identity))
		require.Error(f.t, err)
		require.Equal(f.t, fault.Internal, fault.From(err).Kind)
	})
}

func TestOddOriginsFailNobody(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		_, err := f.Authenticate(t.Context(), accounts.AuthenticateRequest{
			Login: olliMail, Password: olliPassword,
			Origin: api.Origin{Address: "\x00" + strings.Repeat("a", 1000), UserAgent: strings.Repeat("\xff\x00ä", 1000)},
		})
		require.NoError(f.t, err)
	})
}

// TestWhatChangesDuringALogin changes the account while its password is being
// checked, from within the hash.
func TestWhatChangesDuringALogin(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"disabled": `UPDATE users SET status = 0`,
		"password": `UPDATE credentials SET hash = 'changed'`,
		"gone":     `DELETE FROM users`,
	} {
		t.Run(name, func(t *testing.T) {
			var during atomic.Pointer[func()]
			onEach(t, func(f *fixture) {
				f.register(olliMail)
				fn := func() { f.exec(change) }
				during.Store(&fn)
				_, err := f.authenticate(olliMail, olliPassword)
				during.Store(nil)
				requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
				require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'login.failed'`))
			}, func(_ *Config, d *Deps) {
				d.aroundHash = func(compute func()) {
					compute()
					if fn := during.Load(); fn != nil {
						(*fn)()
					}
				}
			})
		})
	}
}

func TestRehash(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		stored := func() string { return f.strings(`SELECT hash FROM credentials`)[0] }
		old := stored()

		stronger := f.restart(func(c *Config) { c.Argon2Passes = 2 })
		_, err := stronger.authenticate(olliMail, "wrong password")
		require.Error(f.t, err)
		require.Equal(f.t, old, stored(), "a wrong password was stored")
		_, err = stronger.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err)
		require.Contains(f.t, stored(), "t=2,")
		require.EqualValues(f.t, 3, stronger.hashes.Load())

		better := stored()
		_, err = stronger.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err)
		require.Equal(f.t, better, stored(), "rehashed for nothing")
	})
}

func TestRehashFailsNoLogin(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		old := f.strings(`SELECT hash FROM credentials`)[0]
		if f.db.Dialect() == "sqlite" {
			f.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON credentials BEGIN SELECT RAISE(ABORT, 'refused'); END`)
		} else {
			f.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END'`)
			f.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON credentials FOR EACH ROW EXECUTE FUNCTION refuse()`)
		}
		stronger := f.restart(func(c *Config) { c.Argon2Passes = 2 })
		_, err := stronger.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err)
		require.Equal(f.t, old, f.strings(`SELECT hash FROM credentials`)[0])
		require.Contains(f.t, stronger.log.String(), "could not store a better hash")
	})
}

// restart makes a new service on the same database.
func (f *fixture) restart(change func(*Config)) *fixture {
	f.t.Helper()
	return newFixture(f.t, f.db, func(c *Config, _ *Deps) { change(c) })
}

// TestAFloodOfLoginsIsBounded sends more logins from one address than may hash
// and wait: the rest is told at once to come back, no more than the bound hash
// at once, and there is room for somebody else.
func TestAFloodOfLoginsIsBounded(t *testing.T) {
	const slots, queue, share, flood = 2, 4, 2, 20
	var now, most atomic.Int64
	var gate atomic.Pointer[chan struct{}]
	onEach(t, func(f *fixture) {
		now.Store(0)
		most.Store(0)
		open := make(chan struct{})
		gate.Store(&open)
		defer gate.Store(nil)

		results := make(chan error, flood)
		for i := range flood { // of different names, as one name's are fewer at once anyway
			go func() {
				_, err := f.authenticate(fmt.Sprintf("nobody%d@example.com", i), olliPassword)
				results <- err
			}()
		}
		for range flood - slots - share {
			err := <-results
			got := requireFault(f.t, err, fault.Unavailable, "fault.unavailable")
			require.Positive(f.t, got.RetryAfter)
		}
		for range queue - share {
			go func() {
				_, err := f.Authenticate(t.Context(), accounts.AuthenticateRequest{
					Login: "somebody@example.com", Password: olliPassword, Origin: api.Origin{Address: "192.0.2.8"},
				})
				results <- err
			}()
		}
		close(open)
		for range slots + queue {
			requireFault(f.t, <-results, fault.Unauthenticated, "fault.credentials")
		}
		require.EqualValues(f.t, slots, most.Load(), "hashes at once")
		require.InDelta(f.t, flood-slots-share, f.logins("unavailable"), 0)
		require.EqualValues(f.t, slots+queue, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'login.failed'`))
		require.EqualValues(f.t, slots+queue, f.count(`SELECT MAX(failures) FROM throttles`), "who was told to come back was not wrong")
	}, func(c *Config, d *Deps) {
		c.HashConcurrency, c.HashQueue = slots, queue
		d.aroundHash = func(compute func()) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				continue
			}
			if open := gate.Load(); open != nil {
				<-*open
			}
			compute()
		}
	})
}

func TestMetricsAreWellNamed(t *testing.T) {
	onEach(t, func(f *fixture) {
		problems, err := testutil.GatherAndLint(f.obs.Registry)
		require.NoError(f.t, err)
		for _, p := range problems {
			if strings.HasPrefix(p.Metric, "gatehouse_accounts_") {
				f.t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
	})
}
