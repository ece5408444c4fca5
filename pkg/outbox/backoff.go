package outbox

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Exponential waits for initial after the first attempt and twice as long
// after each further one, up to longest. Each wait is varied by up to 20 %
// either way, so that what failed together does not come back together.
func Exponential(initial, longest time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		b := backoff.ExponentialBackOff{
			InitialInterval: initial, MaxInterval: longest, Multiplier: 2, RandomizationFactor: 0.2,
		}
		b.Reset()
		wait := b.NextBackOff()
		for range min(attempt, 64) - 1 { // by then any sensible limit is reached
			wait = b.NextBackOff()
		}
		return wait
	}
}
