//go:build skew

package app

import (
	"os"
	"time"

	"github.com/jonboulle/clockwork"
)

// newClock is wrong by SKEW, a duration. It is compiled for the drill of a wrong
// clock alone: a program that is released has no such setting.
func newClock() clockwork.Clock {
	by, err := time.ParseDuration(os.Getenv("SKEW"))
	if err != nil {
		panic("a program that was built with the tag skew needs SKEW: " + err.Error())
	}
	return skewed{clockwork.NewRealClock(), by}
}

// skewed tells another time. Its timers run as ever.
type skewed struct {
	clockwork.Clock
	by time.Duration
}

// Now implements clockwork.Clock.
func (s skewed) Now() time.Time { return s.Clock.Now().Add(s.by) }

// Since implements clockwork.Clock.
func (s skewed) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

// Until implements clockwork.Clock.
func (s skewed) Until(t time.Time) time.Duration { return t.Sub(s.Now()) }
