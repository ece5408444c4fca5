package testkit

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// PostgresServerOptions choose what a server of a test's own is like.
type PostgresServerOptions struct {
	// Settings are further lines of postgresql.conf.
	Settings string
	// Folder is where it keeps its files, in a folder of their own; empty: among other
	// temporary files. Its path has to be a short one, for a socket.
	Folder string
	// Follow is the server whose standby it is, by streaming; nil: none. That one
	// needs the settings wal_level and max_wal_senders.
	Follow *PostgresServer
}

// PostgresServer is a PostgreSQL server of a test's own, unlike that of [DatabaseURL]:
// one that may be killed, follow another, and take its place.
type PostgresServer struct{ server server }

// StartPostgresServer starts a server, which ends with the test. Where PostgreSQL is not
// installed the test is not run.
func StartPostgresServer(tb testing.TB, o PostgresServerOptions) *PostgresServer {
	tb.Helper()
	p := &PostgresServer{server: server{settings: o.Settings, base: o.Folder}}
	if o.Follow != nil {
		p.server.follow = o.Follow.URL("postgres")
	}
	p.server.require(tb)
	tb.Cleanup(p.server.stop)
	return p
}

// URL is the address of a database on it, which need not be there.
func (p *PostgresServer) URL(database string) string { return p.server.url(database) }

// Socket is the folder of its socket: what a list of hosts in a URL has.
func (p *PostgresServer) Socket() string { return p.server.dir }

// Exec runs a statement in the database, as the superuser.
func (p *PostgresServer) Exec(tb testing.TB, database, statement string) {
	tb.Helper()
	ctx, cancel := background()
	defer cancel()
	if err := p.server.exec(ctx, database, statement); err != nil {
		tb.Fatalf("testkit: %s: %v", statement, err)
	}
}

// OwnFolder makes an empty folder in another one, that is the server's: for a
// tablespace.
func (p *PostgresServer) OwnFolder(tb testing.TB, parent string) string {
	tb.Helper()
	folder, err := os.MkdirTemp(parent, "tablespace-") //nolint:usetesting // in that folder
	if err != nil {
		tb.Fatalf("testkit: %v", err)
	}
	if c := p.server.cmd.SysProcAttr.Credential; c != nil {
		if err := os.Chown(folder, int(c.Uid), int(c.Gid)); err != nil {
			tb.Fatalf("testkit: %v", err)
		}
	}
	return folder
}

// TryExec is Exec that may fail.
func (p *PostgresServer) TryExec(database, statement string) error {
	ctx, cancel := background()
	defer cancel()
	return p.server.exec(ctx, database, statement)
}

// Running tells whether the server is there: one that cannot recover from a crash
// ends, and has to be started again.
func (p *PostgresServer) Running(tb testing.TB) bool {
	tb.Helper()
	return p.run(tb, "status") == nil
}

// Kill ends the server as a power cut would, as far as its clients can tell: what
// it has not written to its log is lost.
func (p *PostgresServer) Kill(tb testing.TB) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(p.server.dir, "data", "postmaster.pid"))
	if err != nil {
		tb.Fatalf("testkit: %v", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		tb.Fatalf("testkit: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		tb.Fatalf("testkit: killing PostgreSQL: %v", err)
	}
}

// Stop ends the server in order: "fast" breaks off connections and writes all to
// disk, "immediate" is a crash, of which the next Start recovers.
func (p *PostgresServer) Stop(tb testing.TB, mode string) {
	tb.Helper()
	p.control(tb, "stop", "-m", mode)
}

// Start starts the server again after a Stop, and waits until it answers.
func (p *PostgresServer) Start(tb testing.TB) {
	tb.Helper()
	p.control(tb, "start", "-l", filepath.Join(p.server.dir, "log"))
}

func (p *PostgresServer) control(tb testing.TB, command string, arguments ...string) {
	tb.Helper()
	if err := p.run(tb, command, append([]string{"-w"}, arguments...)...); err != nil {
		tb.Fatalf("testkit: pg_ctl %s: %v", command, err)
	}
}

func (p *PostgresServer) run(tb testing.TB, command string, arguments ...string) error {
	tb.Helper()
	bin, err := findPostgres()
	if err != nil {
		tb.Fatalf("testkit: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	arguments = append([]string{command, "-D", filepath.Join(p.server.dir, "data")}, arguments...)
	c := exec.CommandContext(ctx, filepath.Join(bin, "pg_ctl"), arguments...)
	c.Dir, c.Env = p.server.dir, p.server.cmd.Env
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: p.server.cmd.SysProcAttr.Credential}
	// No pipe: the server would hold it open for ever.
	return c.Run()
}
