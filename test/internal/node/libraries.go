package node

import (
	"path/filepath"
	"testing"
)

// Libraries is the node_modules folder with what the lock file names, for
// programs that are somewhere else than in test/node.
func Libraries(t testing.TB) string {
	t.Helper()
	return filepath.Join(install(t), "node_modules")
}
