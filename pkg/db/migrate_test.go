package db_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// open opens url without migrating it, and closes it with the test.
func open(t *testing.T, url string, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{Service: "shop", Migrations: migrations, MaxConns: 3})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

func eachDialect(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			test(t, testkit.DatabaseURL(t, dialect))
		})
	}
}

// with is base and one more file.
func with(base fstest.MapFS, name, text string) fstest.MapFS {
	more := maps.Clone(base)
	more[name] = &fstest.MapFile{Data: []byte(text)}
	return more
}

func TestMigrateAppliesWhatIsMissing(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		ctx := t.Context()
		pending := func(d *db.DB) int {
			n, err := d.Pending(ctx)
			require.NoError(t, err)
			return n
		}
		first := open(t, url, items)
		assert.Equal(t, 1, pending(first), "before the version table exists")
		require.NoError(t, first.Migrate(ctx))
		assert.Equal(t, 0, pending(first))
		require.NoError(t, insert(ctx, first, "kept"))

		second := open(t, url, with(items, "00002_more.sql", "-- +goose Up\nALTER TABLE items ADD COLUMN extra TEXT NOT NULL DEFAULT 'x';"))
		assert.Equal(t, 1, pending(second))
		require.NoError(t, second.Migrate(ctx))
		require.NoError(t, second.Migrate(ctx), "again is nothing")
		assert.Equal(t, 0, pending(second))
		assert.Equal(t, 1, count(t, second))

		require.NoError(t, insert(ctx, first, "the version before still works"))
		assert.Equal(t, 0, pending(first), "what a later version applied is not ours to miss")
	})
}

func TestMigrateStopsAtAMistakeAndLeavesNothingOfIt(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		ctx := t.Context()
		d := open(t, url, with(items, "00002_bad.sql", "-- +goose Up\nCREATE TABLE half (id {{identity}});\nCREATE TABLE items (id BIGINT);"))
		err := d.Migrate(ctx)
		require.ErrorContains(t, err, "version:2")
		n, err := d.Pending(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		require.Error(t, d.QueryRow(ctx, "SELECT count(*) FROM half").Scan(new(int)))
		require.NoError(t, insert(ctx, d, "the writer is free again"))
	})
}

func TestMigrateBySeveralAtOnce(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		migrations := with(items, "00002_seed.sql", "-- +goose Up\nINSERT INTO items (name) VALUES ('seed');")
		g, ctx := errgroup.WithContext(t.Context())
		for range 4 {
			g.Go(func() error {
				d, err := db.Open(ctx, url, db.Options{Service: "shop", Migrations: migrations})
				if err != nil {
					return err
				}
				t.Cleanup(func() { assert.NoError(t, d.Close()) })
				return d.Migrate(ctx)
			})
		}
		require.NoError(t, g.Wait())
		assert.Equal(t, 1, count(t, open(t, url, nil)))
	})
}

func TestNoMigrations(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		for _, none := range []fs.FS{nil, fstest.MapFS{}} {
			d := open(t, url, none)
			require.NoError(t, d.Migrate(t.Context()))
			n, err := d.Pending(t.Context())
			require.NoError(t, err)
			assert.Zero(t, n)
		}
	})
}

func TestServicesShareAPostgresWithoutMeeting(t *testing.T) {
	t.Parallel()
	url := testkit.DatabaseURL(t, db.Postgres)
	for _, service := range []string{"accounts", "mail", "user"} { // the last is a reserved word
		d, err := db.Open(t.Context(), url, db.Options{Service: service, Migrations: items, MaxConns: 2})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, d.Close()) })
		require.NoError(t, d.Migrate(t.Context()))
		assert.Equal(t, 0, count(t, d))
		require.NoError(t, insert(t.Context(), d, service))
	}
}

func TestOpenMakesAPrivateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new folder", "50% ?#.db")
	d := open(t, "sqlite:"+path, items)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, insert(t.Context(), d, "a"))

	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	assert.Contains(t, files, path)
	for _, file := range append(files, filepath.Dir(path)) {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, "%s is %s", file, info.Mode())
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600))
	for name, c := range map[string]struct{ url, service, want string }{
		"nothing":               {"", "shop", "must start with"},
		"another scheme":        {"mysql://u:s3cret@h/d", "shop", "must start with"},
		"no file":               {"sqlite:", "shop", "needs a file"},
		"memory":                {"sqlite::memory:", "shop", "needs a file"},
		"another file":          {"sqlite:" + text, "shop", "not a database"},
		"an unclear URL":        {"postgres://u:s3cret@h:port/d", "shop", "cannot be parsed"},
		"another unclear URL":   {"postgres://u:s3/cret@h/d?sslmode=what", "shop", "cannot be parsed"},
		"a service with quotes": {"sqlite:" + text, `shop"; DROP`, "no name for a service"},
		"a service in capitals": {"sqlite:" + text, "Shop", "no name for a service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := db.Open(t.Context(), c.url, db.Options{Service: c.service})
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "s3")
		})
	}
}
