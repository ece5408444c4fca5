// Package cluster_test drills bad days: what happens to a cluster under a steady
// load when one of its parts is killed, restarted, cut off, full or wrong.
//
// A drill that ends with everything well again leaves its cluster to the next one.
// Much of the time is spent waiting, so clusters run beside each other, as many as
// there are processors.
//
// In `make test` the outages are short; `make drills` has them as long as they
// are in life, and prints a table. Nothing here asserts how long something took,
// only what was promised to clients.
package cluster_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/test/internal/load"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// full makes outages as long as they are in life.
var full = flag.Bool("drill.full", false, "drill outages of full length, and print the table of them")

func TestMain(m *testing.M) { system.Main(m) }

// outage is how long a fault lasts.
func outage(short, long time.Duration) time.Duration {
	if *full {
		return long
	}
	return short
}

// last waits for as long as a fault is to last, with everything going on.
func last(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// show tells what was measured.
func show(t *testing.T, reports []load.Report) {
	t.Helper()
	if *full {
		fmt.Println(load.Table(reports))
	}
	t.Log("\n" + load.Table(reports))
}
