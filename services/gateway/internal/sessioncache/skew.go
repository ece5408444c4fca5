package sessioncache

import (
	"sync/atomic"
	"time"
)

// rightWithin is how far off a clock may be that counts as right.
const rightWithin = time.Second

// skew is how far the clock of the sessions service is ahead, in nanoseconds.
type skew struct{ ahead atomic.Int64 }

// compare takes the time that an answer had, to a question that took that long.
func (s *skew) compare(asked, theirs time.Time, took time.Duration) {
	if theirs.IsZero() || took > rightWithin {
		return // nobody knows when they looked
	}
	ahead := theirs.Sub(asked.Add(took / 2))
	if ahead.Abs() <= rightWithin {
		ahead = 0
	}
	s.ahead.Store(int64(ahead))
}

// Now is the time by the clock of the sessions service, which decides by it whether
// somebody proved who they are before or after their sessions were ended. It is the
// own time if that is not off by more than a second, and until the feed was heard or
// Reach has asked.
func (c *Cache) Now() time.Time {
	return c.options.Clock.Now().Add(time.Duration(c.clock.ahead.Load()))
}
