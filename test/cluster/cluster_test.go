// Package cluster_test drills bad days: what happens to a cluster under a steady
// load when one of its parts is killed, restarted, cut off, full or wrong.
package cluster_test

import (
	"testing"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }
