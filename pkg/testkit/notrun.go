package testkit

import (
	"os"
	"testing"
)

// NotRun ends a test that lacks something of its machine. It is skipped, and
// listed at the end of `make test`; with CI set in the environment it fails,
// because there everything has to be.
func NotRun(tb testing.TB, reason string) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatal("NOT RUN: " + reason)
	}
	tb.Skip("NOT RUN: " + reason)
}
