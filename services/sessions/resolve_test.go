package sessions

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestTokenExpires(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil))
		f.clock.Advance(30*time.Minute + time.Second - time.Microsecond)
		f.good(token) // within the leeway
		f.clock.Advance(time.Microsecond)
		f.over(token)
	})
}

func TestForgedTokensAreRefusedWithoutAWord(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil)).Token
		elsewhere := newFixture(t, testkit.OpenDB(t, db.SQLite, sessions.Name, Migrations))
		parts := strings.Split(token, ".")
		for name, forged := range map[string]string{
			"of another installation": elsewhere.open(login(olli, nil)).Token,
			"another signature":       parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
			"another payload":         parts[0] + ".e30." + parts[2],
			"unsigned":                "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + ".",
			"empty":                   "",
			"very long":               strings.Repeat("A", 1<<20),
		} {
			_, err := f.resolve(forged)
			require.Error(t, err, name)
			assert.Equal(t, fault.New(fault.Unauthenticated, ""), fault.From(err).Sent(), name)
		}
	})
}

func TestOldTokenOutlivesARefresh(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		first := f.open(login(olli, nil))
		f.clock.Advance(10 * time.Minute)
		second, err := f.Refresh(t.Context(), sessions.RefreshRequest{Token: first.Token, Origin: api.Origin{Address: "198.51.100.1"}})
		require.NoError(t, err)
		f.good(first, second)
		f.clock.Advance(25 * time.Minute)
		f.over(first)
		f.good(second)
		_, err = f.Refresh(t.Context(), sessions.RefreshRequest{Token: first.Token})
		requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM sessions WHERE address = '198.51.100.1' AND user_agent = 'Browser/1'`))
		assert.Equal(t, claimsOf(t, first.Token)["hsu"], claimsOf(t, second.Token)["hsu"], "of the agent that opened the session")
	})
}

// A stolen token can be refreshed only until its owner had to sign in again.
func TestRefreshingEndsWithTheLongestLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		remember bool
		life     time.Duration // of a token
		proved   time.Duration // before the session was opened
	}{
		{"short", false, shortLife, 719 * time.Hour},
		{"remembered", true, longLife, 0},
		{"remembered, proved before", true, longLife, 100 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, f *fixture) {
				request := login(olli, nil)
				request.Remember = tt.remember
				request.AuthenticatedTime = f.clock.Now().Add(-tt.proved)
				last := request.AuthenticatedTime.Add(720 * time.Hour)
				token := f.open(request)
				for {
					require.False(t, token.ExpirationTime.After(last), "%s is after %s", token.ExpirationTime, last)
					require.True(t, token.ExpirationTime.Equal(token.Session.ExpirationTime))
					f.clock.Advance(min(tt.life/2, f.clock.Until(last)-10*time.Second))
					if f.clock.Until(last) <= 10*time.Second {
						break
					}
					var err error
					token, err = f.Refresh(t.Context(), sessions.RefreshRequest{Token: token.Token})
					require.NoError(t, err)
				}
				f.good(token)
				token, err := f.Refresh(t.Context(), sessions.RefreshRequest{Token: token.Token})
				require.NoError(t, err)
				assert.True(t, token.ExpirationTime.Equal(last))
				assert.Equal(t, 1, token.TTL)

				f.clock.Advance(10 * time.Second)
				f.good(token) // within the leeway
				_, err = f.Refresh(t.Context(), sessions.RefreshRequest{Token: token.Token})
				requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
				_, err = f.Create(t.Context(), request)
				requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
				f.clock.Advance(time.Second)
				f.over(token)
			}, func(c *Config) { c.MaxLife = 720 * time.Hour })
		})
	}
}

// The token is fine, but the session ended between the check and the refresh.
func TestRefreshRacesTheEnd(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for range 10 {
			token := f.open(login(olli, nil))
			var all sync.WaitGroup
			all.Go(func() {
				_, err := f.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
				assert.NoError(t, err)
			})
			var fresh sessions.Token
			all.Go(func() {
				var err error
				if fresh, err = f.Refresh(t.Context(), sessions.RefreshRequest{Token: token.Token}); err != nil {
					assert.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
				}
			})
			all.Wait()
			f.over(token)
			if fresh.Token != "" {
				f.over(fresh)
			}
		}
	})
}

// After an older backup was restored, ids come again.
func TestTokenOfALostSession(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		lost := f.open(login(olli, nil))
		f.exec(`UPDATE sessions SET user_hash = $1, user_id = $2`, strings.Repeat("0", 40), mia)
		f.over(lost)
		f.exec(`UPDATE sessions SET user_hash = $1, scope = $2`, olliHash, string(sessions.ScopeCode))
		f.over(lost)
		f.exec(`UPDATE sessions SET scope = '*'`)
		f.good(lost)
		f.exec(`DELETE FROM sessions`)
		f.over(lost)
	})
}

func TestRotationLogsNobodyOut(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, nil)
		request.Remember = true
		before := f.open(request)
		require.NoError(t, f.keys.Rotate(t.Context()))
		after := f.open(request)
		f.good(before, after)
		f.c.Algorithm = keyring.EdDSA
		changed := f.replica()
		require.NoError(t, changed.keys.Rotate(t.Context()))
		third, err := changed.Create(t.Context(), request)
		require.NoError(t, err)
		f.good(before, after, third)
		f.clock.Advance(30*24*time.Hour - time.Second)
		require.NoError(t, f.keys.Rotate(t.Context()))
		f.good(before, after, third)
	})
}

func TestResolvesAreCountedByOutcome(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil))
		f.good(token)
		_, _ = f.resolve("nonsense")
		_, err := f.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
		require.NoError(t, err)
		f.over(token)
		f.clock.Advance(time.Hour)
		f.over(token)
		for _, outcome := range []string{"good", "malformed", "ended", "expired"} {
			assert.InDelta(t, 1, testutil.ToFloat64(f.metrics.resolves.WithLabelValues(outcome)), 0, outcome)
		}
		assert.InDelta(t, 1, testutil.ToFloat64(f.metrics.sessions.WithLabelValues("opened")), 0)
		assert.InDelta(t, 1, testutil.ToFloat64(f.metrics.sessions.WithLabelValues("ended")), 0)
		assert.InDelta(t, 1, testutil.ToFloat64(f.metrics.tokens.WithLabelValues("*")), 0)
	})
}

// A database that is away must not look like a token that is no good.
func TestDatabaseAwayIsNoVerdict(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := f.Resolve(ctx, sessions.ResolveRequest{Token: token.Token})
		require.Equal(t, fault.Unavailable, fault.From(err).Kind)
		f.good(token)
	})
}

func TestNoTokenInTheLog(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		var log bytes.Buffer
		o, shutdown, err := obs.New(t.Context(), obs.Options{Service: sessions.Name, LogLevel: slog.LevelDebug, LogWriter: &log})
		require.NoError(t, err)
		f.obs = o
		f.Service = f.replica()
		s := f.local(api.Gateway)
		token := f.open(login(olli, nil)).Token
		signature := strings.LastIndex(token, ".") + 1
		forged := token[:signature] + strings.Repeat("A", len(token)-signature)
		_, err = s.Resolve(t.Context(), sessions.ResolveRequest{Token: forged})
		require.Error(t, err)
		_, err = s.Refresh(t.Context(), sessions.RefreshRequest{Token: forged})
		require.Error(t, err)
		require.NoError(t, shutdown(t.Context()))
		assert.Contains(t, log.String(), "call failed")
		for _, part := range strings.Split(token, ".")[1:] {
			assert.NotContains(t, log.String(), part[:20])
		}
	})
}
