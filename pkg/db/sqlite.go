package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/pressly/goose/v3"
)

// ErrNoSQLite says that the program is without package db/sqlite.
var ErrNoSQLite = errors.New("db: this program has no SQLite in it: use PostgreSQL, " +
	"or run all services as one process, which is the program gatehouse")

// sqliteDriver is the name under which SQLite is registered with database/sql.
const sqliteDriver = "sqlite"

// busyTimeout is how long, in milliseconds, SQLite waits for another process
// that writes to the file. The end of the context ends the wait, too.
const busyTimeout = "10000"

// HasSQLite tells whether the program is with package db/sqlite.
func HasSQLite() bool { return slices.Contains(sql.Drivers(), sqliteDriver) }

type sqliteBackend struct{ path string }

// sqliteConnector makes connections of the driver that the program has linked.
type sqliteConnector struct {
	driver driver.Driver
	dsn    string
}

func newSQLiteConnector(dsn string) (driver.Connector, error) {
	pool, err := sql.Open(sqliteDriver, dsn) // connects to nothing
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	return sqliteConnector{pool.Driver(), dsn}, pool.Close()
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

func (c sqliteConnector) Driver() driver.Driver { return c.driver }

func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	if !HasSQLite() { // before a file is made
		return nil, ErrNoSQLite
	}
	if o.Existing {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("db: %w", err)
		}
	}
	path, err := createFile(path)
	if err != nil {
		return nil, err
	}
	// One connection writes, from BEGIN IMMEDIATE on, so that no transaction
	// finds out at its first write that it read too early.
	synchronous := "FULL" // a commit survives a power cut
	if o.Volatile {
		synchronous = "OFF"
	}
	writer, err := newSQLiteConnector(sqliteDSN(path, url.Values{
		"_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {synchronous},
	}))
	if err != nil {
		return nil, err
	}
	reader, err := newSQLiteConnector(sqliteDSN(path, url.Values{"_query_only": {"1"}}))
	if err != nil {
		return nil, err
	}

	d := &DB{
		backend: sqliteBackend{path},
		read:    traced(reader, "sqlite", o),
		write:   traced(writer, "sqlite", o),
		writer:  newWriterLock(),
	}
	d.probed = d.read
	d.write.SetMaxOpenConns(1)
	d.read.SetMaxOpenConns(o.MaxConns)
	d.read.SetMaxIdleConns(o.MaxConns)

	if err := d.firstContact(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("db: opening %s: %w", path, mapError(ctx, err)), d.closePools())
	}
	return d, nil
}

// firstContact opens the writer, which switches a new file to WAL. That is the
// one thing SQLite does not wait for others with, so processes take turns.
func (d *DB) firstContact(ctx context.Context, path string) (err error) {
	turn, err := lockProcesses(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, turn.Close()) }()
	if err := d.backend.probe(ctx, d.write); err != nil {
		return err
	}
	return d.backend.probe(ctx, d.read)
}

// createFile makes the file and its directory if they are missing, private to
// the user; SQLite gives its log the same permissions.
func createFile(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", errors.New("db: sqlite needs a file, as in sqlite:/var/lib/gatehouse/accounts.db")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("db: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("db: %w", err)
	}
	// An existing file is not even opened: closing it again would drop the
	// locks that SQLite holds on it elsewhere in this process (POSIX).
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("db: %w", err)
	}
	return path, f.Close()
}

func sqliteDSN(path string, extra url.Values) string {
	params := url.Values{
		"_busy_timeout": {busyTimeout},
		"_foreign_keys": {"1"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		"_pragma": {
			"trusted_schema(0)",
			"case_sensitive_like(1)",
			"journal_size_limit(67108864)", // a log that grew during a long read shrinks again
		},
	}
	for k, v := range extra {
		params[k] = v
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	return u.String()
}

func (b sqliteBackend) name() string { return SQLite }

func (b sqliteBackend) identity() string { return "INTEGER PRIMARY KEY AUTOINCREMENT" }

func (b sqliteBackend) randomHash() string { return "lower(hex(randomblob(20)))" }

func (b sqliteBackend) hasTable() string {
	return "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)"
}

// takesWrites: nobody else has the file, and a disk that is full is met by writing.
func (b sqliteBackend) takesWrites(ctx context.Context, d *sql.DB) error { return b.probe(ctx, d) }

// probe reads the file; SELECT 1 alone would not.
func (b sqliteBackend) probe(ctx context.Context, d *sql.DB) error {
	var n int
	return d.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&n)
}

// migrator uses the one writing connection, under the lock of this process's
// writers and the one between processes.
func (b sqliteBackend) migrator(ctx context.Context, d *DB) (*migrator, error) {
	unlock, err := d.lockWriter(ctx)
	if err != nil {
		return nil, err
	}
	lock, err := lockProcesses(ctx, b.path)
	if err != nil {
		unlock()
		return nil, err
	}
	return &migrator{
		pool:    d.write,
		dialect: goose.DialectSQLite3,
		close: func() error {
			defer unlock()
			return lock.Close()
		},
	}, nil
}

// lockProcesses makes the processes that have the file take turns, until the
// result is closed. It is an exclusive lock on an empty database beside the
// real one, which the system frees when its holder dies.
func lockProcesses(ctx context.Context, path string) (*sql.DB, error) {
	path, err := createFile(path + "-turn")
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_busy_timeout": {"300000"}}.Encode()}
	connector, err := newSQLiteConnector(u.String())
	if err != nil {
		return nil, err
	}
	lock := sql.OpenDB(connector)
	lock.SetMaxOpenConns(1) // the connection that has the lock
	if _, err := lock.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(fmt.Errorf("db: waiting for another process to open or migrate it: %w", mapError(ctx, err)), lock.Close())
	}
	return lock, nil
}
