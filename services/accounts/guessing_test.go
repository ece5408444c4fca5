package accounts

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// The throttle's limits.
const (
	freeGuesses   = 5
	lockedAfter   = 20
	freeOfNetwork = 30
	longestDelay  = 15 * time.Minute
	lockLife      = 24 * time.Hour
)

// guess is a login with a wrong password.
func (f *fixture) guess(login string, o api.Origin) error {
	_, err := f.Authenticate(f.t.Context(), accounts.AuthenticateRequest{Login: login, Password: "wrong password", Origin: o})
	return err
}

// wait lets the time pass that a refusal asks for, to the microsecond.
func (f *fixture) wait(err error, message string) time.Duration {
	f.t.Helper()
	wait := requireFault(f.t, err, fault.Throttled, message).RetryAfter
	f.clock.Advance(wait - time.Microsecond)
	return wait
}

// TestGuessesBecomeSlow wants the same of names that are somebody's and names
// that are nobody's.
func TestGuessesBecomeSlow(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.cast()
		for _, login := range append(names, olliMail) {
			var delays []time.Duration
			for n := range lockedAfter {
				err := f.guess(login, abroad)
				if n >= freeGuesses {
					delays = append(delays, f.wait(err, "fault.throttled"))
					err = f.guess(login, abroad)
					requireFault(f.t, err, fault.Throttled, "fault.throttled")
					f.clock.Advance(time.Microsecond)
					err = f.guess(login, abroad)
				}
				requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
			}
			for i, got := range delays {
				require.Equal(f.t, min(time.Second<<i, longestDelay), got, "%s, delay %d", login, i)
			}
			f.deliver()
			require.Equal(f.t, lockLife, f.wait(f.guess(login, stranger), "fault.locked"), "%s", login)
			requireFault(f.t, f.guess(login, stranger), fault.Throttled, "fault.locked")
			f.clock.Advance(time.Microsecond)
			requireFault(f.t, f.guess(login, stranger), fault.Unauthenticated, "fault.credentials")
			f.clock.Advance(lockLife)
		}
		for _, login := range names[:3] {
			require.Empty(f.t, f.mails(login, mail.AccountLocked), login)
		}
		for _, login := range []string{olliMail, "keyless@example.com"} {
			require.Len(f.t, f.mails(login, mail.AccountLocked), 1, login)
		}
		require.EqualValues(f.t, 5, f.recorded("login.locked"))
		require.EqualValues(f.t, 5*(lockedAfter-freeGuesses+1), f.recorded("login.throttled"), "one for each time of waiting")
	})
}

// names are of people who cannot log in for different reasons.
var names = []string{"nobody@example.com", "disabled@example.com", "invited@example.com", "keyless@example.com"}

// cast are those people, and one who can.
func (f *fixture) cast() {
	f.t.Helper()
	f.register(olliMail)
	f.register("disabled@example.com")
	f.exec(`UPDATE users SET status = 0 WHERE email = 'disabled@example.com'`)
	f.register("keyless@example.com")
	f.exec(`DELETE FROM credentials WHERE user_id = (SELECT id FROM users WHERE email = 'keyless@example.com')`)
	f.initiate("invited@example.com")
	f.deliver()
}

// TestGuessesAtOnceAreAllCounted computes no more hashes than the free ones.
func TestGuessesAtOnceAreAllCounted(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		for _, login := range []string{olliMail, "nobody@example.com"} {
			hashes := f.hashes.Load()
			refused := 0
			for _, err := range atOnce(50, func(int) error { return f.guess(login, abroad) }) {
				if fault.Is(err, fault.Throttled) {
					refused++
				} else {
					requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
				}
			}
			require.EqualValues(f.t, freeGuesses, f.hashes.Load()-hashes)
			require.Equal(f.t, 50-freeGuesses, refused)
		}
		require.EqualValues(f.t, 2, f.recorded("login.throttled"))
	}, func(c *Config, _ *Deps) { c.HashQueue = 100 })
}

// TestAFreeAttemptHoldsUpNobody not even by a clock that is behind, such as that
// of another replica, or the same one read a moment before.
func TestAFreeAttemptHoldsUpNobody(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		requireFault(f.t, f.guess("nobody@example.com", browser), fault.Unauthenticated, "fault.credentials")
		f.clock.Advance(-time.Minute)
		_, err := f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err, "of the same network")
		requireFault(f.t, f.guess("nobody@example.com", browser), fault.Unauthenticated, "fault.credentials")
	})
}

// TestASuccessClearsTheFailuresOfTheName but not those of others' guesses from
// the same network.
func TestASuccessClearsTheFailuresOfTheName(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		for range 3 {
			for range freeGuesses - 1 {
				requireFault(f.t, f.guess(olliMail, browser), fault.Unauthenticated, "fault.credentials")
			}
			_, err := f.authenticate(olliMail, olliPassword)
			require.NoError(f.t, err)
		}
		require.Equal(f.t, []string{"12"}, f.strings(`SELECT CAST(failures AS TEXT) FROM throttles`))
	})
}

// TestANetworkCannotGuessForEver takes another name for each guess.
func TestANetworkCannotGuessForEver(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.register(olliMail)
		at := func(host string, n int) error {
			return f.guess(fmt.Sprintf("nobody%d@example.com", n), api.Origin{Address: host})
		}
		for network, hosts := range map[string][]string{
			"/24": {"203.0.113.1", "203.0.113.254"}, "/64": {"2001:db8:0:1::1", "2001:db8:0:1:ffff::1"},
		} {
			for n := range freeOfNetwork {
				requireFault(f.t, at(hosts[n%2], n), fault.Unauthenticated, "fault.credentials")
			}
			require.Equal(f.t, time.Second, f.wait(at(hosts[0], 1000), "fault.throttled"), network)
			_, err := f.Authenticate(t.Context(), accounts.AuthenticateRequest{
				Login: olliMail, Password: olliPassword, Origin: api.Origin{Address: hosts[1]},
			})
			requireFault(f.t, err, fault.Throttled, "fault.throttled")
			f.clock.Advance(time.Microsecond)
			requireFault(f.t, at(hosts[0], 1001), fault.Unauthenticated, "fault.credentials")
			require.Equal(f.t, 2*time.Second, requireFault(f.t, at(hosts[0], 1002), fault.Throttled, "fault.throttled").RetryAfter)
		}
		for _, other := range []string{"203.0.112.1", "2001:db8:0:2::1", "not an address"} {
			requireFault(f.t, at(other, 1003), fault.Unauthenticated, "fault.credentials")
		}
		f.clock.Advance(time.Hour)
		for n := range freeOfNetwork {
			requireFault(f.t, at("203.0.113.1", n), fault.Unauthenticated, "fault.credentials")
		}
	})
}

// TestANameThatIsThrottledCostsItsNetworkNothing as nothing was guessed.
func TestANameThatIsThrottledCostsItsNetworkNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		for range freeGuesses {
			requireFault(f.t, f.guess("nobody", abroad), fault.Unauthenticated, "fault.credentials")
		}
		for range freeOfNetwork {
			requireFault(f.t, f.guess("nobody", abroad), fault.Throttled, "fault.throttled")
		}
		require.EqualValues(f.t, freeGuesses, f.count(`SELECT MAX(failures) FROM throttles`))
		requireFault(f.t, f.guess("somebody", abroad), fault.Unauthenticated, "fault.credentials")
	})
}

// TestOneNameHowEverItIsSpelled is counted once.
func TestOneNameHowEverItIsSpelled(t *testing.T) {
	onEach(t, func(f *fixture) {
		for _, spelled := range []string{"titan@example.com", "TITAN@example.com", " titan@EXAMPLE.com", "Titan@Example.Com ", "tiTan@example.com"} {
			requireFault(f.t, f.guess(spelled, abroad), fault.Unauthenticated, "fault.credentials")
		}
		requireFault(f.t, f.guess("titan@example.com", abroad), fault.Throttled, "fault.throttled")
	})
}
