package keyring

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// ErrNoKeys says that there is no key to rotate yet, and none is made by a command
// beside the service: see [KeysOptions.Existing].
var ErrNoKeys = errors.New("keyring: there are no signing keys yet: the service makes them when it starts for the first time")

// ErrUnknownKey says that no key of that id verifies: there never was one, or
// it has expired.
var ErrUnknownKey = errors.New("keyring: no such signing key")

const (
	// refreshEvery bounds how long a process is unaware of what another changed.
	// It is what the revocation of a key may take; one small query each time is cheap.
	refreshEvery = 10 * time.Second
	// maintainEvery is how often keys are looked after.
	maintainEvery = 30 * time.Second
	// readLimit and retryAfter are for reading in the course of somebody's request.
	readLimit  = 5 * time.Second
	retryAfter = 5 * time.Second
	// Anybody can send tokens with ids made up; each costs one query up to this many a second.
	rereadsPerSecond = 5
)

// Key is one signing key.
type Key struct {
	// ID is the "kid" (RFC 7515, section 4.1.4).
	ID  string
	Alg Alg
	// Private is of the type that the algorithm's comment names.
	Private any `json:"-"`
	// NotBefore is when it starts to sign. Until then it is only published.
	NotBefore time.Time
	// NotAfter is when it stops to verify, or zero as long as no other key follows it.
	NotAfter time.Time
}

// Public is the key to verify with, or nil for HMAC, where there is none to publish.
func (k Key) Public() crypto.PublicKey { return publicOf(k.Private) }

// Format keeps the private key out of every fmt verb, and so out of logs.
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "keyring.Key(%s %s)", k.Alg, k.ID)
}

// KeysOptions are for [NewKeys].
type KeysOptions struct {
	DB   *db.DB // with a table as in Schema
	Ring *Ring
	// Clock is the real one if it is nil.
	Clock clockwork.Clock
	// Name tells apart the sets of keys that a service has, as in "session-token".
	Name string
	// Alg is what new keys are for. When it changes, the next rotation comes at once.
	Alg Alg
	// Rotate is how long a key signs.
	Rotate time.Duration
	// Retire is how long it verifies after that: the lifetime of the longest-lived token.
	Retire time.Duration
	// Publish is how long it is published before it signs. It should be longer
	// than others cache the key set. Zero is a quarter of Rotate, at most a day.
	Publish time.Duration
	// Existing makes no first key, for a command beside the service: its first start does.
	Existing bool
	Logger   *slog.Logger
}

// Keys are the rotating signing keys of one purpose of one service, shared by
// its replicas through their database. [Keys.Run] rotates them; what is read
// is at most ten seconds old, and remains usable while the database is away.
type Keys struct {
	db      *db.DB
	ring    *Ring
	clock   clockwork.Clock
	name    string
	alg     Alg
	rotate  time.Duration
	retire  time.Duration
	publish time.Duration
	// existing is KeysOptions.Existing.
	existing bool
	logger   *slog.Logger

	current atomic.Pointer[snapshot]
	loading chan struct{} // held by who is reading the table
	rereads rereads       // guarded by loading
}

// NewKeys reads the keys, and makes the first one if there is none, unless the
// options say otherwise. It is an
// error if the ring cannot open one of them.
func NewKeys(ctx context.Context, o KeysOptions) (*Keys, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	k := &Keys{
		db: o.DB, ring: o.Ring, clock: o.Clock, name: o.Name, alg: o.Alg,
		rotate: o.Rotate, retire: o.Retire, publish: o.Publish, existing: o.Existing, logger: o.Logger,
		loading: make(chan struct{}, 1),
	}
	if k.clock == nil {
		k.clock = clockwork.NewRealClock()
	}
	if k.logger == nil {
		k.logger = slog.New(slog.DiscardHandler)
	}
	if k.publish == 0 {
		k.publish = min(k.rotate/4, 24*time.Hour)
	}
	k.logger = k.logger.With("keys", k.name)

	if err := k.start(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Keys) start(ctx context.Context) error {
	found, err := k.read(ctx)
	if err != nil || len(found.keys) > 0 || k.existing {
		return err
	}
	if _, err := k.insert(ctx, nil, k.clock.Now()); err != nil {
		return err
	}
	_, err = k.read(ctx)
	return err
}

func (o KeysOptions) check() error {
	switch {
	case o.Name == "":
		return errors.New("keyring: signing keys need a name")
	case o.DB == nil:
		return fmt.Errorf("keyring: the keys %q need a database", o.Name)
	case o.Ring == nil:
		return fmt.Errorf("keyring: the keys %q cannot be sealed: %w", o.Name, ErrNoRoot)
	case !o.Alg.known():
		return fmt.Errorf("keyring: the keys %q: there is no algorithm %q", o.Name, o.Alg)
	case o.Rotate <= 0 || o.Retire <= 0:
		return fmt.Errorf("keyring: the keys %q need times to rotate and to retire", o.Name)
	case o.Publish < 0 || o.Publish >= o.Rotate:
		return fmt.Errorf("keyring: the keys %q must be published for less time than they sign", o.Name)
	}
	return nil
}

// Signing is the key to sign with now.
func (k *Keys) Signing(ctx context.Context) (Key, error) {
	key, ok := k.fresh(ctx).signing(k.clock.Now())
	if !ok {
		return Key{}, fmt.Errorf("keyring: the keys %q: none can sign", k.name)
	}
	return key, nil
}

// Verifying is the key of that id, or [ErrUnknownKey]. An id that is not known
// yet is looked up in the database, as another replica may have made it.
func (k *Keys) Verifying(ctx context.Context, kid string) (Key, error) {
	s := k.fresh(ctx)
	if s.find(kid) == nil {
		var err error
		if s, err = k.reread(ctx, kid); err != nil {
			return Key{}, err
		}
	}
	key := s.find(kid)
	if key == nil || key.expired(k.clock.Now()) {
		return Key{}, ErrUnknownKey
	}
	return key.Key, nil
}

// All are the keys that have not expired, the newest first: the next one if
// there is one already, the current one, and those that only verify. For a
// JWK set take the [Key.Public] of each.
func (k *Keys) All(ctx context.Context) ([]Key, error) {
	return k.fresh(ctx).usable(k.clock.Now()), nil
}

// fresh is the last snapshot, read again if it has become old. If that fails it
// stays in use: better late about a rotation than refusing everybody.
func (k *Keys) fresh(ctx context.Context) *snapshot {
	s := k.current.Load()
	if k.clock.Since(s.readAt) < refreshEvery {
		return s
	}
	select {
	case k.loading <- struct{}{}:
		defer func() { <-k.loading }()
	default:
		return s // somebody is on it
	}
	// A caller who goes away must not look like a database that does.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readLimit)
	defer cancel()
	renewed, err := k.load(ctx)
	if err != nil {
		k.logger.WarnContext(ctx, "signing keys cannot be read again; the last ones stay in use", "error", err)
		later := *s
		later.readAt = k.clock.Now().Add(retryAfter - refreshEvery)
		k.current.Store(&later)
		return s
	}
	return renewed
}

// reread looks for a key that is not in the last snapshot.
func (k *Keys) reread(ctx context.Context, kid string) (*snapshot, error) {
	unlock, err := k.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if s := k.current.Load(); s.find(kid) != nil || !k.rereads.allow(k.clock.Now()) {
		return s, nil
	}
	return k.load(ctx)
}

// read takes a new snapshot.
func (k *Keys) read(ctx context.Context) (*snapshot, error) {
	unlock, err := k.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return k.load(ctx)
}

// lock lets one at a time read the table, lest an older reading replace a newer one.
func (k *Keys) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case k.loading <- struct{}{}:
		return func() { <-k.loading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rereads counts within a second.
type rereads struct {
	since time.Time
	count int
}

func (r *rereads) allow(now time.Time) bool {
	if now.Sub(r.since) >= time.Second {
		*r = rereads{since: now}
	}
	r.count++
	return r.count <= rereadsPerSecond
}
