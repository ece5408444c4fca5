package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// The dialects, as [DB.Dialect] names them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// defaultConns is the size of a pool when Options does not say.
const defaultConns = 10

// Options says whose database it is and where its signals go.
type Options struct {
	// Service names the owner: PostgreSQL's schema and the label of metrics.
	// Lower-case letters, digits and underscores.
	Service string
	// Migrations holds *.sql files at its root; nil means there are none.
	Migrations fs.FS
	// Registry gets the pool's gauges; nil for none.
	Registry prometheus.Registerer
	// Tracer makes a span per statement below a caller's span; nil for none.
	Tracer trace.TracerProvider
	// Logger gets the migrations; nil for silence.
	Logger *slog.Logger
	// Clock is the program's, to be compared with the server's: see [DB.Clock]. Nil:
	// it is not, as in tests that make their own time.
	Clock clockwork.Clock
	// MaxConns bounds the connections to PostgreSQL, or SQLite's readers.
	// Zero means 10.
	MaxConns int
	// Existing makes nothing, for whoever only looks or works beside the service: a
	// schema that is not there is [ErrNoSchema], and a file fs.ErrNotExist.
	Existing bool
	// Volatile spares SQLite waiting for the disk: a power cut loses commits, so
	// it is for tests, whose databases do not outlive them.
	Volatile bool
}

// ErrNoSchema says that PostgreSQL's database has no schema of the service: nobody
// has migrated it, or it is another service's.
var ErrNoSchema = errors.New("there is no schema")

// DB is one service's database. It is safe for concurrent use.
type DB struct {
	service string
	logger  *slog.Logger
	backend backend
	// read and write are the same pool on PostgreSQL.
	read, write *sql.DB
	// probed is what is asked for signs of life: on PostgreSQL a connection of its own,
	// as a pool of which all are busy is no sign of death.
	probed *sql.DB
	// writer is held by whoever writes; nil where the server sorts that out.
	writer  *writerLock
	metrics *metrics
	sources fs.FS
	limit   time.Duration // of BEGIN, COMMIT and ROLLBACK
	// compared is nil without Options.Clock, and on SQLite.
	compared *compared
}

// backend is what SQLite and PostgreSQL do differently.
type backend interface {
	name() string
	// probe asks the database something that needs it to be there.
	probe(ctx context.Context, d *sql.DB) error
	// takesWrites is an error if it does not, now or for good.
	takesWrites(ctx context.Context, d *sql.DB) error
	// identity is the text that {{identity}} stands for in migrations.
	identity() string
	// randomHash is that of {{random_hash}}: 40 hexadecimal digits, no secret.
	randomHash() string
	// hasTable asks for a table of the service.
	hasTable() string
	// migrator is the pool, and the lock, to migrate under.
	migrator(ctx context.Context, d *DB) (*migrator, error)
}

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// Open connects to "sqlite:/path/to/file.db" or "postgres://…".
//
// SQLite's file and its directory are created, readable by the owner only.
// Beside the file lie SQLite's own -wal and -shm, which belong to it, and an
// empty -turn, by which processes take turns at opening and migrating.
// On PostgreSQL the schema named after the service is created if it is
// missing (unless [Options.Existing]), and is the whole search path; runtime parameters in the URL, such
// as statement_timeout, win over the defaults, and pool_max_conns over
// MaxConns. A server that cannot be reached
// within ten seconds is a fault.Unavailable, for the caller to try again.
//
// The tables are not touched: see [DB.Migrate].
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if !serviceName.MatchString(o.Service) {
		return nil, fmt.Errorf("db: %q is no name for a service", o.Service)
	}
	o.MaxConns = cmp.Or(o.MaxConns, defaultConns)
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}

	var d *DB
	var err error
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		d, err = openSQLite(ctx, rest, o)
	case "postgres", "postgresql":
		d, err = openPostgres(ctx, url, o)
	default:
		// The URL may hold a password, so it is not repeated.
		return nil, errors.New(`db: the database URL must start with "sqlite:" or "postgres://"`)
	}
	if err != nil {
		return nil, err
	}

	d.service, d.logger, d.sources = o.Service, o.Logger, o.Migrations
	d.limit = statementLimit
	d.metrics = newMetrics(o.Service)
	if err := d.metrics.register(o.Registry, d); err != nil {
		return nil, errors.Join(err, d.closePools())
	}
	return d, nil
}

// Dialect is [SQLite] or [Postgres].
func (d *DB) Dialect() string { return d.backend.name() }

// Service is the name the database was opened with.
func (d *DB) Service() string { return d.service }

// MaxConns is how many connections the pool for reading may have.
func (d *DB) MaxConns() int { return d.read.Stats().MaxOpenConnections }

// Ping asks the database for a sign of life.
func (d *DB) Ping(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return mapError(ctx, d.backend.probe(ctx, d.probed))
}

// Close ends all connections and takes the metrics back.
func (d *DB) Close() error {
	d.metrics.unregister()
	return d.closePools()
}

// closePools closes readers first: SQLite folds its log into the database when
// the last connection closes, which must be one that may write.
func (d *DB) closePools() error {
	var errs []error
	if d.probed != d.read {
		errs = append(errs, d.probed.Close())
	}
	if d.read != d.write {
		errs = append(errs, d.read.Close())
	}
	return errors.Join(append(errs, d.write.Close())...)
}
