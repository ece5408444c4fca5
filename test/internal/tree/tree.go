// Package tree finds the source tree that tests are part of.
package tree

import (
	"fmt"
	"os"
	"path/filepath"
)

// Root is the folder with go.work, at or above the one that a test runs in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.work above %s", dir)
		}
		dir = filepath.Dir(dir)
	}
}
