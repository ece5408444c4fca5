// Package node runs programs of test/node: relying parties and providers that
// other people have built.
package node

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/tree"
)

// Program is a running Node.js program, which talks in lines of JSON.
type Program struct {
	t   testing.TB
	in  *json.Encoder
	out *bufio.Scanner
}

// Start starts a program of test/node with further environment variables; it is
// ended with the test. Without Node.js the test is not run.
func Start(t testing.TB, environ []string, script string, args ...string) *Program {
	t.Helper()
	dir := install(t)
	c := exec.Command("node", append([]string{script}, args...)...) // ends with the test, below
	c.Dir = dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NODE_ENV=test"}, environ...)
	log := &testkit.Log{}
	c.Stderr = log
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", script, log)
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &Program{t: t, in: json.NewEncoder(in), out: lines}
}

// Read reads the program's next line into v.
func (p *Program) Read(v any) {
	p.t.Helper()
	require.True(p.t, p.out.Scan(), "the program has ended")
	require.NoError(p.t, json.Unmarshal(p.out.Bytes(), v), "%s", p.out.Text())
}

// Write sends a line to the program.
func (p *Program) Write(v any) {
	p.t.Helper()
	require.NoError(p.t, p.in.Encode(v))
}

var installed struct {
	once sync.Once
	err  error
}

// install sees to the libraries that the lock file names, once; test programs
// that run at the same time wait for each other.
func install(t testing.TB) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			testkit.NotRun(t, program+" is not installed")
		}
	}
	root, err := tree.Root()
	require.NoError(t, err)
	dir := filepath.Join(root, "test", "node")
	installed.once.Do(func() { installed.err = npm(dir) })
	require.NoError(t, installed.err)
	return dir
}

func npm(dir string) error {
	lock, err := os.OpenFile(filepath.Join(dir, "package.json"), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if fresh, err := upToDate(dir); fresh || err != nil {
		return err
	}
	c := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return errors.New("npm ci: " + strings.TrimSpace(string(out)))
	}
	return os.Chtimes(stamp(dir), time.Now(), time.Now())
}

// stamp is what npm writes when it has installed everything.
func stamp(dir string) string { return filepath.Join(dir, "node_modules", ".package-lock.json") }

func upToDate(dir string) (bool, error) {
	wanted, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return false, err
	}
	have, err := os.Stat(stamp(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !have.ModTime().Before(wanted.ModTime()), nil
}
