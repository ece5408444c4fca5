package testkit

import (
	"os"
	"testing"
)

// Main runs the tests, stops what they started and exits. It may stand in any
// package, also where no test needs a database.
//
// It is for tidiness: without it, and when the process crashes or is killed,
// the server notices and goes by itself a moment later.
func Main(m *testing.M) {
	code := m.Run()
	postgres.stop()
	os.Exit(code)
}
