//go:build !skew

package app

import "github.com/jonboulle/clockwork"

// newClock is the clock of a program.
func newClock() clockwork.Clock { return clockwork.NewRealClock() }
