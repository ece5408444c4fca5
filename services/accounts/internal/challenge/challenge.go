// Package challenge asks users for what only they have: a code that was sent to
// their address or telephone, one of their app, or one that stands in for a lost
// factor.
//
// Whoever guesses is counted before the guess is checked, and all that happens to
// one user happens after another, as each transaction holds the user's row first.
package challenge

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// The limits.
const (
	life         = 10 * time.Minute // of a challenge
	maxAttempts  = 5                // to answer one
	wrongLimit   = 10               // codes of a user, within
	wrongWindow  = time.Hour
	sentLimit    = 5 // codes to a user, within
	sentWindow   = 15 * time.Minute
	keepAnswered = 100 * 24 * time.Hour // longer than any session that refers to one
	keepOpen     = 24 * time.Hour
)

// Options are what Challenges need; all are required.
type Options struct {
	DB     *db.DB
	Outbox *outbox.Outbox
	Ring   *keyring.Ring
	Clock  clockwork.Clock
}

// Challenges make challenges and check the answers.
type Challenges struct{ o Options }

// New makes Challenges.
func New(o Options) *Challenges { return &Challenges{o} }

// Request asks for a challenge.
type Request struct {
	User store.User // an active one
	// Minimum is the weakest channel that will do; zero is any.
	Minimum accounts.Channel
	Origin  api.Origin
	// Unusual tells that the login looks unlike the user's others.
	Unusual bool
}

// Start makes a challenge by the strongest factor that the user has, and queues
// its code. That may be a weaker one than the minimum: the caller then has to
// demand a better factor once it is answered. Throttled if the user has got too
// many codes of late.
func (c *Challenges) Start(ctx context.Context, tx *db.Tx, r Request) (accounts.Challenge, error) {
	now := c.o.Clock.Now()
	user, err := store.HoldUser(ctx, tx, r.User.ID)
	if err != nil {
		return accounts.Challenge{}, err
	}
	channel, err := store.StrongestChannel(ctx, tx, user.ID)
	if err != nil {
		return accounts.Challenge{}, err
	}
	ch := store.Challenge{User: user.ID, Channel: channel, Minimum: max(r.Minimum, accounts.ChannelEmail), Expires: now.Add(life)}
	if ch.ID, err = store.InsertChallenge(ctx, tx, ch, now); err != nil {
		return accounts.Challenge{}, err
	}
	return c.send(ctx, tx, user, ch, sending{origin: r.Origin, unusual: r.Unusual, now: now})
}

// Confirmed tells whether a challenge confirmed a login of the user's, by which
// channel, and whether the user has to replace a factor before anything else. What
// stood in for a factor counts as that one.
func (c *Challenges) Confirmed(ctx context.Context, q db.Queryer, user, id int64) (channel accounts.Channel, replace, ok bool, err error) {
	channel, replace, err = store.AnsweredChallenge(ctx, q, user, id)
	if errors.Is(err, db.ErrNoRows) {
		return 0, false, false, nil
	}
	return channel, replace, err == nil, err
}

// Strongest is the strongest channel that the user has.
func (c *Challenges) Strongest(ctx context.Context, q db.Queryer, user int64) (accounts.Channel, error) {
	return store.StrongestChannel(ctx, q, user)
}

// Sweep removes what is needed no more, and tells how much that was.
func (c *Challenges) Sweep(ctx context.Context) (int64, error) {
	now := c.o.Clock.Now()
	challenges, err := store.SweepChallenges(ctx, c.o.DB, now.Add(-keepOpen), now.Add(-keepAnswered))
	if err != nil {
		return challenges, err
	}
	tallies, err := store.SweepTallies(ctx, c.o.DB, now.Add(-store.TallyRetention))
	return challenges + tallies, err
}

// held holds an active user; Unauthenticated if there is none.
func held(ctx context.Context, tx *db.Tx, id int64) (store.User, error) {
	user, err := store.HoldUser(ctx, tx, id)
	if errors.Is(err, db.ErrNoRows) || err == nil && user.Status != accounts.Active {
		return store.User{}, over()
	}
	return user, err
}

func over() error { return fault.New(fault.Unauthenticated, "fault.code_over") }

func throttled(wait time.Duration) error { return fault.New(fault.Throttled, "").After(wait) }
