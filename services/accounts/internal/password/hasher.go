package password

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

const (
	saltLength = 16 // bytes (RFC 9106, section 3.1)
	keyLength  = 32 // bytes
	// maxBytes is more than any password of MaxLength characters takes.
	// Normalising may make a text 18 times as long, so that is bounded first.
	maxBytes = 8 << 10
)

// Options configure a Hasher.
type Options struct {
	MemoryKiB uint32 // of one hash
	Passes    uint32
	Lanes     uint8
	// Concurrency is how many hashes are computed at once; 0 means as many as
	// there are processors.
	Concurrency int
	// Queue is how many callers may wait for their turn, a quarter of them (but
	// at least two) from one address.
	Queue    int
	Registry prometheus.Registerer
	// Around, if set, is called when a hash begins and calls compute to have
	// it done. Tests count with it.
	Around func(compute func())
}

// Hasher makes and checks hashes in the PHC string format.
type Hasher struct {
	params  argon2id.Params
	around  func(compute func())
	dummy   string
	gate    *gate
	metrics metrics
}

// NewHasher makes a Hasher. All hashes of a process should come from one, as
// the bound is the Hasher's.
func NewHasher(o Options) *Hasher {
	if o.Concurrency <= 0 {
		o.Concurrency = runtime.GOMAXPROCS(0)
	}
	if o.Around == nil {
		o.Around = func(compute func()) { compute() }
	}
	h := &Hasher{
		params: argon2id.Params{
			Memory: o.MemoryKiB, Iterations: o.Passes, Parallelism: o.Lanes,
			SaltLength: saltLength, KeyLength: keyLength,
		},
		around:  o.Around,
		gate:    newGate(o.Concurrency, o.Queue),
		metrics: newMetrics(o.Registry),
	}
	h.dummy = h.unmatchable()
	return h
}

// Hash makes a hash of a new password. The address, here and below, is where
// the request came from; no address counts as one.
func (h *Hasher) Hash(ctx context.Context, address, password string) (string, error) {
	if err := h.enter(ctx, address); err != nil {
		return "", err
	}
	defer h.gate.leave()
	return h.create(password)
}

// Verify tells whether encoded is a hash of the password.
func (h *Hasher) Verify(ctx context.Context, address, password, encoded string) (bool, error) {
	if err := h.enter(ctx, address); err != nil {
		return false, err
	}
	defer h.gate.leave()
	return h.check(password, encoded)
}

// MatchesAny tells whether one of the encoded is a hash of the password. Each
// costs as much as Verify, and waits for its turn.
func (h *Hasher) MatchesAny(ctx context.Context, address, password string, encoded []string) (bool, error) {
	for _, e := range encoded {
		if match, err := h.Verify(ctx, address, password, e); match || err != nil {
			return match, err
		}
	}
	return false, nil
}

// Refuse does what Verify does with a wrong password and today's parameters.
// It is for logins that cannot succeed, so that they cost the same.
func (h *Hasher) Refuse(ctx context.Context, address, password string) error {
	_, err := h.Verify(ctx, address, password, h.dummy)
	return err
}

// Outdated tells whether a hash was made with other parameters than today's.
func (h *Hasher) Outdated(encoded string) bool {
	params, _, _, err := argon2id.DecodeHash(encoded)
	return err == nil && *params != h.params
}

// Rehash makes a new hash of a password if that needs no waiting: it is an
// improvement for which nobody should have to queue.
func (h *Hasher) Rehash(password string) (encoded string, ok bool) {
	if h.gate.crowded() || !h.gate.tryEnter() {
		return "", false
	}
	defer h.gate.leave()
	encoded, err := h.create(password)
	return encoded, err == nil
}

func (h *Hasher) enter(ctx context.Context, address string) error {
	start := time.Now()
	defer func() { h.metrics.wait.Observe(time.Since(start).Seconds()) }()
	return h.gate.enter(ctx, address)
}

func (h *Hasher) create(password string) (encoded string, err error) {
	h.compute(func() { encoded, err = argon2id.CreateHash(normalise(password), &h.params) })
	return encoded, err
}

func (h *Hasher) check(password, encoded string) (match bool, err error) {
	h.compute(func() { match, err = argon2id.ComparePasswordAndHash(normalise(password), encoded) })
	if err != nil {
		return false, fmt.Errorf("checking a stored hash: %w", err)
	}
	return match, nil
}

func (h *Hasher) compute(do func()) {
	start := time.Now()
	h.around(do)
	h.metrics.duration.Observe(time.Since(start).Seconds())
}

// unmatchable has the form of a hash but is none: its key is random. Finding a
// password for it is as hard as guessing the key.
func (h *Hasher) unmatchable() string {
	random := make([]byte, saltLength+keyLength)
	_, _ = rand.Read(random) // crypto/rand.Read never fails since Go 1.24
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.params.Memory, h.params.Iterations, h.params.Parallelism,
		b64.EncodeToString(random[:saltLength]), b64.EncodeToString(random[saltLength:]))
}

// normalise is NFKC. What is too long to be anybody's password stays as it is.
func normalise(password string) string {
	if len(password) > maxBytes {
		return password
	}
	return norm.NFKC.String(password)
}

type metrics struct{ wait, duration prometheus.Histogram }

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		wait: obs.Register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "gatehouse_accounts_hash_wait_seconds",
			Help:    "How long a caller waited for its turn to hash a password, in seconds.",
			Buckets: []float64{.0001, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		})),
		duration: obs.Register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "gatehouse_accounts_hash_duration_seconds",
			Help:    "How long hashing a password took, in seconds, without the wait.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		})),
	}
}
