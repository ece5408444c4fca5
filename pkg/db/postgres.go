package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	openTimeout    = 10 * time.Second // for Open as a whole
	connectTimeout = 5 * time.Second  // for one connection, unless the URL says otherwise
	unacknowledged = 30 * time.Second // for what was sent to arrive, where the kernel knows the limit
)

type postgresBackend struct {
	config  pgx.ConnConfig
	o       Options
	primary *primary
	probes  *primary // of the connection for signs of life
}

func openPostgres(ctx context.Context, url string, o Options) (*DB, error) {
	config, err := postgresConfig(url, o.Service)
	if err != nil {
		return nil, err
	}
	if o.MaxConns, err = maxConns(config, o.MaxConns); err != nil {
		return nil, err
	}
	b := postgresBackend{*config, o, &primary{compared: newCompared(o.Clock, o.Logger)}, &primary{}}
	pool := b.pool(*config)
	d := &DB{backend: b, read: pool, write: pool, probed: b.probed(*config), compared: b.primary.compared}

	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	contact := createSchema
	if o.Existing {
		contact = findSchema
	}
	if err := contact(ctx, pool, o.Service); err != nil {
		if !errors.Is(err, ErrNoSchema) {
			err = mapError(ctx, err)
		}
		err = fmt.Errorf("db: PostgreSQL at %s, database %s: %w",
			net.JoinHostPort(config.Host, fmt.Sprint(config.Port)), config.Database, err)
		if ctx.Err() != nil {
			err = fault.New(fault.Unavailable, "").Because(err)
		}
		return nil, errors.Join(err, d.closePools())
	}
	return d, nil
}

func postgresConfig(url, service string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The parser's error quotes the URL, and hides the password in it only
		// as far as it understood it.
		return nil, errors.New("db: the PostgreSQL URL cannot be parsed")
	}
	for name, value := range map[string]string{
		"application_name":                    "gatehouse-" + service,
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "60s",
	} {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{service}.Sanitize()
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	// A server that vanished without closing is noticed within half a minute, whether
	// something was on its way to it or nothing.
	config.DialFunc = (&net.Dialer{Control: boundUnacknowledged, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}).DialContext
	return config, nil
}

// maxConns takes the size of the pool out of the URL, where libpq's other tools
// for Go have it; the server does not know the parameter.
func maxConns(config *pgx.ConnConfig, otherwise int) (int, error) {
	const name = "pool_max_conns"
	text, given := config.RuntimeParams[name]
	if !given {
		return otherwise, nil
	}
	delete(config.RuntimeParams, name)
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, errors.New("db: pool_max_conns in the PostgreSQL URL must be a number from 1 to 1000")
	}
	return n, nil
}

func (b postgresBackend) pool(config pgx.ConnConfig) *sql.DB {
	config.Tracer = b.primary
	pool := traced(stdlib.GetConnector(config,
		stdlib.OptionAfterConnect(b.primary.connected), stdlib.OptionResetSession(b.primary.reset)), "postgresql", b.o)
	pool.SetMaxOpenConns(b.o.MaxConns)
	pool.SetMaxIdleConns(b.o.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(maxLifetime) // so that load moves after a failover
	return pool
}

// createSchema is the first contact. It asks before it creates, as a service
// need not have the right to create when its migration job has done it.
func createSchema(ctx context.Context, pool *sql.DB, service string) error {
	var exists bool
	const query = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)"
	if err := pool.QueryRowContext(ctx, query, service).Scan(&exists); err != nil || exists {
		return err
	}
	_, err := pool.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{service}.Sanitize())
	if IsUnique(err) {
		return nil // another process created it between the check and the insert
	}
	return err
}

// findSchema is the first contact of who makes nothing.
func findSchema(ctx context.Context, pool *sql.DB, service string) error {
	var usable bool
	const query = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = $1"
	err := pool.QueryRowContext(ctx, query, service).Scan(&usable)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w %q", ErrNoSchema, service)
	case err == nil && !usable: // its tables would look as if they were not there
		return fmt.Errorf("the user has no right to use the schema %q", service)
	}
	return err
}

func (b postgresBackend) name() string { return Postgres }

func (b postgresBackend) identity() string {
	return "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
}

func (b postgresBackend) randomHash() string {
	return "left(md5(random()::text) || md5(random()::text), 40)"
}

func (b postgresBackend) hasTable() string { return "SELECT to_regclass($1) IS NOT NULL" }

func (b postgresBackend) probe(ctx context.Context, d *sql.DB) error { return d.PingContext(ctx) }

// probed is a pool of one, whose connection is renewed for reasons of its own.
func (b postgresBackend) probed(config pgx.ConnConfig) *sql.DB {
	b.primary = b.probes
	pool := b.pool(config)
	pool.SetMaxOpenConns(1)
	return pool
}

var errReadOnly = errors.New("the database is read-only")

func (b postgresBackend) takesWrites(ctx context.Context, d *sql.DB) error {
	var readOnly string
	if err := d.QueryRowContext(ctx, "SHOW transaction_read_only").Scan(&readOnly); err != nil {
		return err
	}
	if readOnly == "on" {
		b.probes.demotions.Add(1) // the next connection may lead to another server
		return errReadOnly
	}
	return nil
}

// migrator is a pool of its own, as a migration may take longer than a
// statement of the service may, under an advisory lock per service. Its tables
// belong to the service's user, also where the operator's makes them.
func (b postgresBackend) migrator(ctx context.Context, d *DB) (*migrator, error) {
	id := fnv.New32a()
	_, _ = id.Write([]byte("gatehouse migration " + b.o.Service)) // never fails
	locker, err := lock.NewPostgresSessionLocker(
		lock.WithLockID(int64(id.Sum32())),
		lock.WithLockTimeout(1, 300), // ask every second, for five minutes
	)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	config := b.config.Copy()
	config.RuntimeParams["statement_timeout"] = "0"
	owner, err := b.owner(ctx, d)
	if err != nil {
		return nil, err
	}
	if owner != "" {
		config.RuntimeParams["role"] = owner
	}
	pool := b.pool(*config)
	return &migrator{
		pool:    pool,
		dialect: goose.DialectPostgres,
		options: []goose.ProviderOption{goose.WithSessionLocker(locker)},
		close:   pool.Close,
	}, nil
}

// owner is whom the tables that are there belong to, or else the schema, if that is
// somebody whom our user may act as; "" if there is nobody else. It is about whose the
// new tables are, and no boundary: what the owner put on a table, a trigger for one, runs
// with our user's rights all the same.
func (b postgresBackend) owner(ctx context.Context, d *DB) (string, error) {
	var owner string
	err := d.QueryRow(ctx, `SELECT pg_get_userbyid(o.role) FROM (
			SELECT COALESCE((SELECT relowner FROM pg_class WHERE relnamespace = n.oid AND relname = $2), n.nspowner) AS role
			FROM pg_namespace n WHERE n.nspname = $1) o
		WHERE pg_get_userbyid(o.role) <> current_user AND pg_has_role(o.role,
			CASE WHEN CAST(current_setting('server_version_num') AS INT) < 160000 THEN 'MEMBER' ELSE 'SET' END)`,
		b.o.Service, versionTable).Scan(&owner)
	if errors.Is(err, ErrNoRows) {
		return "", nil
	}
	return owner, err
}
