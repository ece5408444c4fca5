package testkit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout   = time.Minute
	cleanupTimeout = 30 * time.Second
	superuser      = "gatehouse"
)

// errAbsent means that there is nothing to start.
var errAbsent = errors.New("PostgreSQL is not installed (no initdb by pg_config --bindir, in /usr/lib/postgresql or in PATH)")

// postgres is this process's server. It starts with the first test that needs
// it and is the one thing that tests of a package share.
var postgres server

// server is a throw-away PostgreSQL: no fsync, no network, trusting whoever
// can reach its socket.
type server struct {
	settings string // further lines of postgresql.conf
	follow   string // the address of the server to follow; empty: none
	base     string // the folder that its own is made in; empty: socketBase

	start    sync.Once
	startErr error
	dir      string
	cmd      *exec.Cmd
	lifeline io.Closer // closing it ends the server

	mu      sync.Mutex
	created int
	free    map[*template][]string // databases that a test is done with, as they were before it
}

// require starts the server unless it is there.
func (s *server) require(tb testing.TB) {
	tb.Helper()
	s.start.Do(func() { s.startErr = s.boot() })
	switch {
	case errors.Is(s.startErr, errAbsent):
		NotRun(tb, "on PostgreSQL: "+s.startErr.Error())
	case s.startErr != nil:
		tb.Fatalf("testkit: starting PostgreSQL: %v", s.startErr)
	}
}

// like is the URL of a database that is like the template, or empty if that is nil.
func (s *server) like(tb testing.TB, t *template) string {
	tb.Helper()
	s.require(tb)
	ctx, cancel := background()
	defer cancel()
	name, err := s.take(ctx, t)
	if err != nil {
		tb.Fatalf("testkit: creating a database: %v", err)
	}
	tb.Cleanup(func() { s.giveBack(tb, t, name) })
	return s.url(name)
}

func (s *server) url(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{
		"host": {s.dir}, "user": {superuser},
	}.Encode()}
	return u.String()
}

// take prefers a used database, as creating one copies at least 7 MB.
func (s *server) take(ctx context.Context, t *template) (string, error) {
	s.mu.Lock()
	if n := len(s.free[t]); n > 0 {
		name := s.free[t][n-1]
		s.free[t] = s.free[t][:n-1]
		s.mu.Unlock()
		return name, nil
	}
	s.created++
	name := "test" + strconv.Itoa(s.created)
	s.mu.Unlock()
	source := "template0"
	if t != nil {
		source = t.database
	}
	return name, s.exec(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+source)
}

// giveBack makes a database as it was, for the next test.
func (s *server) giveBack(tb testing.TB, t *template, name string) {
	tb.Helper()
	ctx, cancel := background()
	defer cancel()
	again, err := s.reset(ctx, t, name)
	if err != nil {
		tb.Errorf("testkit: emptying database %s, which is not used again: %v", name, err)
		return
	}
	if !again {
		if err := s.exec(ctx, "postgres", "DROP DATABASE "+name); err != nil {
			tb.Errorf("testkit: %v", err)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == nil {
		s.free = map[*template][]string{}
	}
	s.free[t] = append(s.free[t], name)
}

func (s *server) exec(ctx context.Context, database, query string) error {
	return s.with(ctx, database, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, query)
		return err
	})
}

func (s *server) with(ctx context.Context, database string, do func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.url(database))
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(ctx))
}

// supervise.sh lives as long as the server. It holds the other end of a pipe
// from this process and cleans up when that breaks, for whatever reason.
//
//go:embed supervise.sh
var supervise string

// boot starts the server under its supervisor and waits until it answers.
func (s *server) boot() error {
	bin, err := findPostgres()
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(cmp.Or(s.base, socketBase()), "gatehouse-pg-"); err != nil {
		return err
	}
	// No context: the server lives as long as the process.
	s.cmd = exec.Command("/bin/sh", "-c", supervise, "supervise", bin, s.dir, superuser, s.settings, s.follow)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests
	s.cmd.Dir = s.dir
	s.cmd.Env = append(slices.DeleteFunc(os.Environ(), isPostgresVariable), "LC_ALL=C", "TZ=UTC")
	if err := s.dropRoot(); err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	var stderr bytes.Buffer
	s.cmd.Stderr = &stderr
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	s.lifeline = stdin

	impatience := time.AfterFunc(startTimeout, func() { _ = stdin.Close() })
	defer impatience.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		_ = stdin.Close()
		return fmt.Errorf("it did not start (%w, %w): %s%s", err, s.cmd.Wait(), line, &stderr)
	}
	return nil
}

// dropRoot makes the server run as somebody else, as it refuses to be root.
func (s *server) dropRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return err
		}
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(s.dir, int(uid), int(gid))
	}
	return errors.New("running as root, and there is neither a user postgres nor nobody")
}

// stop ends the server, if one was started, and waits until its files are gone.
func (s *server) stop() {
	if s.lifeline == nil {
		return
	}
	_ = s.lifeline.Close()
	_ = s.cmd.Wait()
}

// socketBase is a directory that another user can pass through, with a path
// short enough for a Unix socket (about 100 bytes).
func socketBase() string {
	if dir := os.TempDir(); os.Geteuid() != 0 && len(dir) < 60 {
		return dir
	}
	return "/tmp"
}

func isPostgresVariable(s string) bool { return strings.HasPrefix(s, "PG") }

func findPostgres() (string, error) {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.Reverse(debian)                                  // the newest first
	dirs = append(dirs, debian...)
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		if isProgram(filepath.Join(dir, "initdb")) && isProgram(filepath.Join(dir, "pg_ctl")) {
			return dir, nil
		}
	}
	return "", errAbsent
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
