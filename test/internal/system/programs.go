package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/tree"
)

// buildTime bounds a build, and the wait for another test process's.
const buildTime = 10 * time.Minute

// builds are those of this process, by their tags, each in a folder of its own
// that Main removes.
var builds struct {
	sync.Mutex
	folders map[string]func() (string, error)
}

// Binary is the path of a program, built from this tree.
func Binary(t testing.TB, name string) string {
	t.Helper()
	return BinaryWith(t, name, "")
}

// BinaryWith is the path of a program that is built with build tags.
func BinaryWith(t testing.TB, name, tags string) string {
	t.Helper()
	builds.Lock()
	if builds.folders == nil {
		builds.folders = map[string]func() (string, error){}
	}
	if builds.folders[tags] == nil {
		builds.folders[tags] = sync.OnceValues(func() (string, error) { return buildPrograms(tags) })
	}
	built := builds.folders[tags]
	builds.Unlock()
	folder, err := built()
	require.NoError(t, err)
	return filepath.Join(folder, name)
}

// Main runs the tests and removes what was built and started for them.
func Main(m *testing.M) {
	code := m.Run()
	for _, built := range builds.folders {
		if folder, err := built(); err == nil {
			_ = os.RemoveAll(folder)
		}
	}
	os.Exit(code)
}

func buildPrograms(tags string) (string, error) {
	root, err := tree.Root()
	if err != nil {
		return "", err
	}
	name, commands := "programs-"+tags, commandsOfServices()
	if tags == "" {
		name, commands = "programs", append(commands, "./services/standalone/cmd/gatehouse")
	}
	return build(root, name, func(ctx context.Context, folder string) error {
		return goBuild(ctx, root, folder, append([]string{"-tags", tags}, commands...)...)
	})
}

func commandsOfServices() []string {
	var commands []string
	for _, service := range services {
		commands = append(commands, "./services/"+service+"/cmd/"+service)
	}
	return commands
}

// goBuild is as in make build, whose cache it shares.
func goBuild(ctx context.Context, root, folder string, arguments ...string) error {
	c := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", folder + "/"}, arguments...)...)
	c.Dir = root
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK="+filepath.Join(root, "go.work"))
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return nil
}

// build has programs built into a folder of bin/test. Test processes take turns
// there: the first of them links, and the others find everything up to date. What
// it returns is a copy, that stays as it is when the next one builds something else.
func build(root, name string, with func(ctx context.Context, folder string) error) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	shared := filepath.Join(root, "bin", "test", name)
	if err := os.MkdirAll(shared, 0o755); err != nil {
		return "", err
	}
	turn, err := os.OpenFile(shared+".turn", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = turn.Close() }() // and so others may
	if err := syscall.Flock(int(turn.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("waiting for %s: %w", turn.Name(), err)
	}
	if err := with(ctx, shared); err != nil {
		return "", err
	}
	return copied(shared)
}

// copied is a folder with the same files: links to them, where it can have these.
func copied(from string) (string, error) {
	to, err := os.MkdirTemp(filepath.Dir(from), "own-")
	if err != nil {
		return "", err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return to, err
	}
	for _, f := range files {
		source, target := filepath.Join(from, f.Name()), filepath.Join(to, f.Name())
		if err := os.Link(source, target); err == nil {
			continue
		}
		if err := copyFile(source, target); err != nil {
			return to, err
		}
	}
	return to, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
