package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// Limits of what is no cause for alarm.
const (
	maxClockDifference = 5 * time.Second
	oldestPostgres     = 150000
)

// DatabaseOptions are for [Database].
type DatabaseOptions struct {
	Service    string
	URL        string
	Migrations fs.FS
	// Setting is what names the URL. Empty: GATEHOUSE_DATABASE_URL.
	Setting string
	// Ring and Sealed, if both are set, are for secrets that no root key opens.
	Ring   *keyring.Ring
	Sealed []keyring.Column
}

// Database looks at a service's database and what is in it.
func Database(o DatabaseOptions) Check {
	o.Setting = cmp.Or(o.Setting, "GATEHOUSE_DATABASE_URL")
	return Check{"database " + o.Service, func(ctx context.Context) []Result {
		if path, ok := strings.CutPrefix(o.URL, "sqlite:"); ok {
			if _, err := os.Stat(path); err != nil {
				return Fail(fmt.Sprintf("there is no file %s", path), "run migrate, or see whether the path and its rights are right")
			}
		}
		d, err := db.Open(ctx, o.URL, db.Options{Service: o.Service, Migrations: o.Migrations, MaxConns: 2, Existing: true})
		switch {
		case errors.Is(err, db.ErrNoSQLite):
			return Fail(err.Error(), "set "+o.Setting+" to a postgres:// URL")
		case errors.Is(err, db.ErrNoSchema):
			return Fail(err.Error(), "run migrate, or see whether "+o.Setting+" names the database of "+o.Service)
		case err != nil:
			return Fail(err.Error(), "see whether the server runs, and "+o.Setting+" names it, its user and password, and no transaction pooler")
		}
		defer func() { _ = d.Close() }()
		results := migrations(ctx, d)
		if d.Dialect() == db.Postgres {
			results = append(results, server(ctx, d, o.Setting)...)
		}
		if o.Ring != nil && Worst(results) != Failure {
			results = append(results, roots(ctx, d, o)...)
		}
		return results
	}}
}

func migrations(ctx context.Context, d *db.DB) []Result {
	pending, unknown, err := d.MigrationState(ctx)
	switch {
	case err != nil:
		return Fail(err.Error(), "the database does not answer as it should: see its log")
	case unknown > 0:
		return Fail(fmt.Sprintf("it has %d migrations that this version does not know", unknown), "it has been used by a newer version: run that one")
	case pending > 0:
		return Fail(fmt.Sprintf("it lacks %d migrations", pending), "run migrate of this version before serve")
	}
	return Good("%s, all migrations are there", d.Dialect())
}

// server looks at a PostgreSQL server.
func server(ctx context.Context, d *db.DB, setting string) []Result {
	var version, limit, used, own int
	var readOnly bool
	var micros int64
	asked := time.Now()
	err := d.QueryRow(ctx, `SELECT CAST(current_setting('server_version_num') AS INT),
		pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
		CAST(current_setting('max_connections') AS INT) - CAST(current_setting('superuser_reserved_connections') AS INT),
		(SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
		(SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = current_setting('application_name')),
		CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&version, &readOnly, &limit, &used, &own, &micros)
	if err != nil {
		return Fail(err.Error(), "the server does not answer as PostgreSQL does")
	}
	var results []Result
	if version < oldestPostgres {
		results = append(results, Fail("PostgreSQL "+strconv.Itoa(version/10000)+" is too old", "use PostgreSQL 15 or newer")...)
	}
	if readOnly {
		results = append(results, Fail("it is read-only", "name the primary in "+setting+", or all servers and target_session_attrs=read-write")...)
	}
	if left := limit - used; left < 10 {
		results = append(results, Warn(fmt.Sprintf("%d of %d connections are left; %d are of this service", left, limit, own),
			"raise max_connections of the server, or lower pool_max_conns in "+setting)...)
	}
	// The answer was made between the question and now.
	results = append(results, clock("the database", asked, time.Now(), db.FromMicros(micros))...)
	if len(results) == 0 {
		return Good("PostgreSQL %d, writable, %d of %d connections are left", version/10000, limit-used, limit)
	}
	return results
}

// clock compares our clock with one that was read between two moments of ours.
func clock(whose string, from, until, theirs time.Time) []Result {
	difference := time.Duration(0)
	if theirs.Before(from) {
		difference = from.Sub(theirs)
	} else if theirs.After(until) {
		difference = theirs.Sub(until)
	}
	if difference <= maxClockDifference {
		return nil
	}
	return Fail(fmt.Sprintf("the clock of %s differs from ours by %s", whose, difference.Round(time.Second)), "synchronise the clocks of all machines, as with NTP")
}

func roots(ctx context.Context, d *db.DB, o DatabaseOptions) []Result {
	uses, err := o.Ring.Uses(ctx, d, o.Sealed...)
	if err != nil {
		return Fail(err.Error(), "see the log of the database")
	}
	var results []Result
	older := int64(0)
	for _, u := range uses {
		if u.Position == 0 {
			results = append(results, Fail(fmt.Sprintf("%d values in %s are sealed under a root key that is missing (%s)", u.Values, u.Table, u.Root),
				"add the former key at the end of GATEHOUSE_ROOT_KEY")...)
		} else if u.Position > 1 {
			older += u.Values
		}
	}
	if older > 0 {
		results = append(results, Warn(fmt.Sprintf("%d values are sealed under an older root key", older), "run gatehouse keys reseal before that key goes")...)
	}
	return results
}
