package testkit

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	_ "github.com/gatehouse-id/gatehouse/pkg/db/sqlite" // tests run on both databases
)

// EachDB runs test as a subtest on SQLite and as one on PostgreSQL, each with
// a fresh database that the migrations (nil for none) have been applied to.
// The subtests run one after the other; call t.Parallel before EachDB to run
// beside other tests.
//
// Where PostgreSQL is not installed its subtest is skipped, and says so; with
// CI set in the environment it fails.
func EachDB(t *testing.T, service string, migrations fs.FS, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			test(t, OpenDB(t, dialect, service, migrations))
		})
	}
}

// OpenDB opens a fresh database of the dialect, with the migrations applied (nil
// for none), and closes it with the test.
func OpenDB(tb testing.TB, dialect, service string, migrations fs.FS) *db.DB {
	tb.Helper()
	d, err := db.Open(tb.Context(), migratedURL(tb, dialect, service, migrations), db.Options{
		Service: service, Migrations: migrations, MaxConns: 5, Volatile: true,
	})
	require.NoError(tb, err)
	// The test's own context is over by then, and Close needs none.
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Errorf("closing the database: %v", err)
		}
	})
	return d
}

// migratedURL is DatabaseURL with the migrations applied: to a template of this
// process, once, which the database is a copy of. Applying them to each would be
// a third of the time that tests take.
func migratedURL(tb testing.TB, dialect, service string, migrations fs.FS) string {
	tb.Helper()
	if migrations == nil {
		return DatabaseURL(tb, dialect)
	}
	t := templateOf(tb, dialect, service, migrations)
	if dialect == db.Postgres {
		return postgres.like(tb, t)
	}
	file := filepath.Join(tb.TempDir(), "test.db")
	require.NoError(tb, os.WriteFile(file, t.file, 0o600))
	return "sqlite:" + file
}

// DatabaseURL is the URL of a fresh, empty database, for a test that opens it
// by itself, perhaps from several processes. It is gone after the test.
func DatabaseURL(tb testing.TB, dialect string) string {
	tb.Helper()
	switch dialect {
	case db.SQLite:
		return "sqlite:" + filepath.Join(tb.TempDir(), "test.db")
	case db.Postgres:
		return postgres.like(tb, nil)
	}
	tb.Fatalf("testkit: there is no dialect %q", dialect)
	return ""
}

// background is a context for cleaning up, when the test's own has ended.
func background() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), cleanupTimeout)
}
