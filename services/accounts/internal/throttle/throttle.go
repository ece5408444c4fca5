// Package throttle makes guessing passwords slow.
//
// An attempt is counted before it is made, so that those made at once count
// each other, and taken back if it succeeds. Logins are counted per name, in
// one counter for each network that the account is known to come from and one
// for all others: whoever guesses from elsewhere keeps nobody out at home. They
// are also counted per client network, whatever the name. Names are counted
// whether or not they are anybody's, by the same statements.
package throttle

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/device"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// How many failures in a row cost nothing.
const (
	freeByName    = 5
	freeByNetwork = 30
)

// LockAfter is after how many failures in a row, from unknown networks, a name
// is locked for these, and LockLife for how long.
const (
	LockAfter = 20
	LockLife  = 24 * time.Hour
)

const (
	longestDelay = 15 * time.Minute
	// forgetAfter is when failures are forgotten of a name that nobody tries.
	forgetAfter = LockLife
	// networkWindow is for how long the failures of a network are counted
	// together: nothing that happens there says that they are over.
	networkWindow = time.Hour
)

// purpose of the keyring: counters do not tell whose they are.
const purpose = "throttle"

// Throttle counts attempts.
type Throttle struct {
	ring  *keyring.Ring
	clock clockwork.Clock
}

// New makes a Throttle.
func New(ring *keyring.Ring, clock clockwork.Clock) *Throttle { return &Throttle{ring, clock} }

// Attempt is one that has been counted or refused.
type Attempt struct {
	counters []counter
	refused  *refusal
	// Locks tells that the name is locked if this attempt fails.
	Locks bool
}

type counter struct {
	key  []byte
	rule rule
}

type refusal struct {
	wait   time.Duration
	locked bool
	first  bool
}

// rule says how much a counter lets through.
type rule struct {
	free   int64
	locks  bool
	window time.Duration // 0: as long as attempts come
}

var (
	byNetwork = rule{free: freeByNetwork, window: networkWindow}
	elsewhere = rule{free: freeByName, locks: true}
	atHome    = rule{free: freeByName}
)

// Login counts an attempt to log in by a name. Known tells that the origin's
// network is a known one of the account with that name. What was refused is
// not counted; see [Attempt.Err].
func (t *Throttle) Login(ctx context.Context, tx *db.Tx, name string, known bool, o api.Origin) (Attempt, error) {
	return t.count(ctx, tx,
		counter{t.key("network", device.Client(o)), byNetwork},
		t.byName(nameKey(name), known, o))
}

// Current counts an attempt to give the current password of a user who is
// logged in.
func (t *Throttle) Current(ctx context.Context, tx *db.Tx, user int64) (Attempt, error) {
	return t.count(ctx, tx, counter{t.key("current", strconv.FormatInt(user, 10)), atHome})
}

// Succeeded takes the attempt back, and all failures of the name before it.
func (t *Throttle) Succeeded(ctx context.Context, tx *db.Tx, a Attempt) error {
	for _, c := range a.counters {
		change := store.ClearAttempts
		if c.rule.window > 0 {
			change = store.ReturnAttempt // others' failures stay
		}
		if err := change(ctx, tx, c.key); err != nil {
			return err
		}
	}
	return nil
}

// Return takes back an attempt that was not made after all.
func (t *Throttle) Return(ctx context.Context, tx *db.Tx, a Attempt) error {
	for _, c := range a.counters {
		if err := store.ReturnAttempt(ctx, tx, c.key); err != nil {
			return err
		}
	}
	return nil
}

// Lift forgets the failures of a user's names, from where the user is now and
// from unknown networks, and so any lock.
func (t *Throttle) Lift(ctx context.Context, tx *db.Tx, user store.User, o api.Origin) error {
	names := []string{emailName(user.Email)}
	if user.Alias != "" {
		names = append(names, aliasName(user.Alias))
	}
	for _, name := range names {
		for _, known := range []bool{false, true} {
			if err := store.ClearAttempts(ctx, tx, t.byName(name, known, o).key); err != nil {
				return err
			}
		}
	}
	return nil
}

// SweepBefore is when a counter must have been used last to be forgotten.
func (t *Throttle) SweepBefore() time.Time { return t.clock.Now().Add(-forgetAfter) }

func (t *Throttle) byName(name string, known bool, o api.Origin) counter {
	if known {
		return counter{t.key("name", name, device.Of(o).Network), atHome}
	}
	return counter{t.key("name", name), elsewhere}
}

// count counts in all counters, or in none.
func (t *Throttle) count(ctx context.Context, tx *db.Tx, counters ...counter) (a Attempt, _ error) {
	now := t.clock.Now()
	for _, c := range counters {
		failures, ok, err := store.CountAttempt(ctx, tx, c.key, c.rule.startedBefore(now), now.Add(-forgetAfter), now)
		if err != nil {
			return Attempt{}, err
		}
		if !ok {
			refused, err := t.refuse(ctx, tx, c, now)
			if err != nil {
				return Attempt{}, err
			}
			return Attempt{refused: refused}, t.Return(ctx, tx, a)
		}
		a.counters = append(a.counters, c)
		a.Locks = a.Locks || c.rule.locks && failures == LockAfter
		delay := c.rule.delay(failures)
		if delay == 0 {
			continue // not even until now: to others that count at the same time it may be a moment earlier, or a minute by their clock
		}
		if err := store.BlockAttempts(ctx, tx, c.key, now.Add(delay)); err != nil {
			return Attempt{}, err
		}
	}
	return a, nil
}

func (t *Throttle) refuse(ctx context.Context, tx *db.Tx, c counter, now time.Time) (*refusal, error) {
	until, failures, err := store.BlockedUntil(ctx, tx, c.key)
	if err != nil {
		return nil, err
	}
	first, err := store.RefuseAttempt(ctx, tx, c.key, now)
	return &refusal{wait: until.Sub(now), locked: c.rule.locks && failures >= LockAfter, first: first}, err
}

// startedBefore is when a counter must have been started to begin anew.
func (r rule) startedBefore(now time.Time) time.Time {
	if r.window == 0 {
		return time.Unix(0, 0)
	}
	return now.Add(-r.window)
}

// delay is how long nothing is let through after so many failures.
func (r rule) delay(failures int64) time.Duration {
	switch over := failures - r.free; {
	case r.locks && failures >= LockAfter:
		return LockLife
	case over < 0:
		return 0
	case over >= 10: // 2^10 seconds are more than the longest delay
		return longestDelay
	default:
		return time.Second << over
	}
}

// Err is Throttled if the attempt was refused, with the time to wait.
func (a Attempt) Err() error {
	if a.refused == nil {
		return nil
	}
	message := ""
	if a.refused.locked {
		message = "fault.locked"
	}
	return fault.New(fault.Throttled, message).After(a.refused.wait)
}

// Notable tells that the attempt is the first one that was refused for a
// failure, and so worth a record.
func (a Attempt) Notable() bool { return a.refused != nil && a.refused.first }

func (t *Throttle) key(parts ...string) []byte {
	return t.ring.MAC(purpose, []byte(strings.Join(parts, "\x00")))
}

// nameKey is the same however a login is spelled. What can be nobody's counts
// as it is.
func nameKey(login string) string {
	switch email, alias := input.LoginKey(login); {
	case email != "":
		return emailName(email)
	case alias != "":
		return aliasName(alias)
	default:
		return "other:" + login
	}
}

func emailName(email string) string { return "email:" + strings.ToLower(email) }

func aliasName(alias string) string { return "alias:" + input.AliasKey(alias) }
