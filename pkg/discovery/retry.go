package discovery

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"
)

var (
	errNotARegistrar = errors.New("discovery: this client of Consul only queries")
	errNotReadable   = errors.New("discovery: the token of Consul may not read the instances: it needs service:read and node:read")
)

func newRetry(least, most time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = cmp.Or(least, 100*time.Millisecond)
	b.MaxInterval = cmp.Or(most, 10*time.Second)
	return b
}

// pause waits for d and says false when the context ended before.
func pause(ctx context.Context, clock clockwork.Clock, d time.Duration) bool {
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return true
	case <-ctx.Done():
		return false
	}
}
