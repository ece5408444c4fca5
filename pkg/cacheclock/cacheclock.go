// Package cacheclock has caches live by the clock that a program is given, so that
// tests decide what time it is.
package cacheclock

import (
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock is the Clock of an otter.Options. It never ticks: entries that are over are
// found to be when they are asked for, and leave as others come, which is all that a
// bounded cache needs.
type Clock struct{ clock clockwork.Clock }

// New makes one that goes by clock.
func New(clock clockwork.Clock) Clock { return Clock{clock} }

// NowNano is the time in nanoseconds, of which only the difference counts.
func (c Clock) NowNano() int64 { return c.clock.Now().UnixNano() }

// Tick never ticks.
func (c Clock) Tick(time.Duration) <-chan time.Time { return nil }
