package db_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/db/sqlite"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestCopiesAreOfOneMoment(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first, second := open(t, testkit.DatabaseURL(t, db.SQLite), items), open(t, testkit.DatabaseURL(t, db.SQLite), items)
	require.NoError(t, first.Migrate(ctx))
	require.NoError(t, second.Migrate(ctx))

	// What the first has is handed over to the second, as by an outbox.
	stop, stopped := make(chan struct{}), make(chan struct{})
	progress := make(chan int, 1)
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case progress <- n:
			default:
			}
			name := strconv.Itoa(n)
			if !assert.NoError(t, insert(ctx, first, name)) || !assert.NoError(t, insert(ctx, second, name)) {
				return
			}
		}
	}()
	last := -1
	for range 10 {
		for n := range progress {
			if n > last+5 { // there is something new
				last = n
				break
			}
		}
		dir := t.TempDir()
		a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
		require.NoError(t, db.CopyAll(ctx, sqlite.BackUp, db.Copy{DB: first, To: a}, db.Copy{DB: second, To: b}))
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, files, 2, "nothing beside them")
		for _, f := range files {
			info, err := f.Info()
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
		has, got := count(t, open(t, "sqlite:"+a, items)), count(t, open(t, "sqlite:"+b, items))
		require.GreaterOrEqual(t, has, last)
		require.Contains(t, []int{has, has - 1}, got, "at most one was on its way")
	}
	close(stop)
	<-stopped
}

func TestCopiesReplaceNothing(t *testing.T) {
	t.Parallel()
	d := open(t, testkit.DatabaseURL(t, db.SQLite), items)
	require.NoError(t, d.Migrate(t.Context()))
	to := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(to, []byte("older"), 0o600))
	require.ErrorIs(t, db.CopyAll(t.Context(), sqlite.BackUp, db.Copy{DB: d, To: to}), os.ErrExist)
	text, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "older", string(text))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, db.CopyAll(ctx, sqlite.BackUp, db.Copy{DB: d, To: to + "2"}))
	assert.NoFileExists(t, to+"2")
	require.NoError(t, insert(t.Context(), d, "writers go on"))

	server := open(t, testkit.DatabaseURL(t, db.Postgres), items)
	require.ErrorContains(t, db.CopyAll(t.Context(), sqlite.BackUp, db.Copy{DB: server, To: to + "3"}), "only SQLite")
}

func TestMigrationState(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "things", nil, func(t *testing.T, d *db.DB) {
		pending, unknown, err := d.MigrationState(t.Context())
		require.NoError(t, err)
		assert.Zero(t, pending+unknown)
	})
	d := open(t, testkit.DatabaseURL(t, db.SQLite), items)
	pending, unknown, err := d.MigrationState(t.Context())
	require.NoError(t, err)
	assert.Positive(t, pending)
	assert.Zero(t, unknown)
	require.NoError(t, d.Migrate(t.Context()))
	_, err = d.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)")
	require.NoError(t, err)
	pending, unknown, err = d.MigrationState(t.Context())
	require.NoError(t, err)
	assert.Zero(t, pending)
	assert.Equal(t, 1, unknown, "a newer version was here")
}
