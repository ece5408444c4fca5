package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// How long a start waits for its database, and how often it says so.
const (
	databaseWait   = time.Minute
	databaseNotice = 5 * time.Second
)

// How long a start waits for its migrations, which another process applies and
// which take time on large tables, and how often it looks.
const (
	migrationWait  = 5 * time.Minute
	migrationCheck = 2 * time.Second
)

// DatabaseOptions say which database OpenDatabase opens.
type DatabaseOptions struct {
	// Service owns the tables.
	Service string
	// URL as for db.Open.
	URL        string
	Migrations fs.FS
	// Migrate applies missing migrations. Without it they are waited for.
	Migrate bool
}

// OpenDB opens the service's database at GATEHOUSE_DATABASE_URL. A server that
// is not there yet is waited for, at most a minute, and missing migrations five:
// `NAME migrate` applies them.
func (rt *Runtime) OpenDB(ctx context.Context, migrations fs.FS) (*db.DB, error) {
	return rt.OpenDatabase(ctx, DatabaseOptions{Service: rt.Name, URL: rt.Base.DatabaseURL, Migrations: migrations})
}

// OpenDatabase is OpenDB for any database: a process may hold those of several
// services.
func (rt *Runtime) OpenDatabase(ctx context.Context, o DatabaseOptions) (*db.DB, error) {
	d, err := openDatabase(ctx, o, rt.Obs, rt.Clock)
	if err != nil {
		return nil, err
	}
	rt.OnClose(o.Service+" database", func(context.Context) error { return d.Close() })
	if o.Migrate {
		err = d.Migrate(ctx)
	} else {
		err = rt.awaitMigrations(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	rt.Ready(o.Service+" database", d.Ping)
	rt.Go(o.Service+" database pulse", func(ctx context.Context) error { //nolint:contextcheck // runs for as long as the process
		d.Pulse(ctx, rt.Clock)
		return nil
	})
	return d, nil
}

// awaitMigrations returns when the database has all that this version knows. Until
// then the process is alive and not ready: one that ended at once would be started
// again and again beside the job that migrates.
func (rt *Runtime) awaitMigrations(ctx context.Context, d *db.DB) error {
	start, waited, away := rt.Clock.Now(), false, false
	for {
		pending, err := d.Pending(ctx)
		switch {
		case err != nil && (!fault.Is(err, fault.Unavailable) || rt.Clock.Since(start) >= migrationWait):
			return fmt.Errorf("looking for pending migrations: %w", err)
		case err == nil && pending == 0:
			if waited {
				rt.Obs.Logger.InfoContext(ctx, "the migrations are there", slog.String("database", d.Service()))
			}
			return nil
		case rt.Clock.Since(start) >= migrationWait:
			return fmt.Errorf("the database lacks %d of this version's migrations: run `%s migrate` first", pending, d.Service())
		case err != nil && !away:
			away = true
			rt.Obs.Logger.WarnContext(ctx, "waiting for the database", slog.String("database", d.Service()), slog.Any("error", err))
		case err == nil && !waited:
			waited = true
			rt.Obs.Logger.WarnContext(ctx, "waiting for migrations", slog.String("database", d.Service()), slog.Int("missing", pending),
				slog.String("command", d.Service()+" migrate"))
		}
		select {
		case <-rt.Clock.After(migrationCheck):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// openDatabase tries until the database is there. Only an absence is waited
// out; a refused password does not get better.
func openDatabase(ctx context.Context, o DatabaseOptions, observed *obs.Obs, clock clockwork.Clock) (*db.DB, error) {
	if o.URL == "" {
		return nil, errors.New("GATEHOUSE_DATABASE_URL (or GATEHOUSE_DATABASE_URL_FILE) is required")
	}
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 2*time.Second
	start := clock.Now()
	var noticed time.Time
	for {
		d, err := db.Open(ctx, o.URL, db.Options{
			Service:    o.Service,
			Migrations: o.Migrations,
			Registry:   observed.Registry,
			Tracer:     observed.Tracer,
			Logger:     observed.Logger,
			Clock:      clock,
		})
		switch {
		case err == nil:
			return d, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !fault.Is(err, fault.Unavailable):
			return nil, fmt.Errorf("opening the %s database: %w", o.Service, err)
		case clock.Since(start) >= databaseWait:
			return nil, fmt.Errorf("the %s database did not appear within %v: %w", o.Service, databaseWait, err)
		case noticed.IsZero() || clock.Since(noticed) >= databaseNotice:
			observed.Logger.WarnContext(ctx, "waiting for the database", slog.String("database", o.Service), slog.Any("error", err))
			noticed = clock.Now()
		}
		select {
		case <-clock.After(retry.NextBackOff()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
