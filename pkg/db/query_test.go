package db_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestValuesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		created := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.FixedZone("", 3600))
		var id int64
		require.NoError(t, d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			// $1 twice, out of order, beside a literal.
			return tx.QueryRow(ctx, `INSERT INTO items (n, name, open, data, created_at)
				VALUES ($2, $1, $3, $4, $5) RETURNING id + CAST(length($1) AS BIGINT) - CAST(length($1) AS BIGINT)`,
				"größer", int64(1)<<62, false, []byte{0, 1, 255}, db.Micros(created)).Scan(&id)
		}))

		var name string
		var n int64
		var open bool
		var data []byte
		var at, parent sql.NullInt64
		require.NoError(t, d.QueryRow(ctx, "SELECT name, n, open, data, created_at, parent FROM items WHERE id = $1", id).
			Scan(&name, &n, &open, &data, &at, &parent))
		assert.Equal(t, "größer", name)
		assert.Equal(t, int64(1)<<62, n)
		assert.False(t, open)
		assert.Equal(t, []byte{0, 1, 255}, data)
		assert.True(t, created.Equal(*db.FromNullMicros(at)))
		assert.Equal(t, time.UTC, db.FromNullMicros(at).Location())
		assert.Nil(t, db.FromNullMicros(parent))
	})
}

func TestExecCountsTheRows(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		for _, c := range []struct {
			query string
			want  int64
		}{
			{"INSERT INTO items (name) VALUES ('a'), ('b'), ('c')", 3},
			{"INSERT INTO items (name) VALUES ('c'), ('d') ON CONFLICT (name) DO NOTHING", 1},
			{"UPDATE items SET n = n + 1 WHERE open = TRUE AND name <> 'a'", 3},
			{"UPDATE items SET n = n + 1 WHERE name = 'none'", 0},
			{"DELETE FROM items", 4},
		} {
			got, err := d.Exec(ctx, c.query)
			require.NoError(t, err)
			assert.Equal(t, c.want, got, c.query)
		}
	})
}

func TestQueryYieldsEachRow(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		_, err := d.Exec(ctx, "INSERT INTO items (name, n) VALUES ('a', 1), ('b', 2), ('B', 3)")
		require.NoError(t, err)

		rows, err := d.Query(ctx, "SELECT name FROM items WHERE name LIKE $1 OR n = $2 ORDER BY n", "b%", 1)
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		var names []string
		for rows.Next() {
			var name string
			require.NoError(t, rows.Scan(&name))
			names = append(names, name)
		}
		require.NoError(t, rows.Err())
		assert.Equal(t, []string{"a", "b"}, names, "LIKE minds the case")

		err = d.QueryRow(ctx, "SELECT name FROM items WHERE n = 9").Scan(new(string))
		require.ErrorIs(t, err, db.ErrNoRows)
	})
}

func TestRefusesWhatTheDatabasesWouldStoreDifferently(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		_, err := d.Exec(ctx, "INSERT INTO items (name, created_at) VALUES ('a', $1)", time.Now())
		require.ErrorContains(t, err, "$1 is a time")
		err = d.QueryRow(ctx, "SELECT id FROM items WHERE created_at < $1", time.Now()).Scan(new(int64))
		require.ErrorContains(t, err, "$1 is a time")
		err = d.QueryRow(ctx, `SELECT "no such column, and no string either" FROM items`).Scan(new(string))
		require.Error(t, err)
	})
}

func TestForeignKeysHold(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		_, err := d.Exec(t.Context(), "INSERT INTO items (name, parent) VALUES ('a', 4711)")
		require.Error(t, err)
		assert.False(t, db.IsUnique(err))
	})
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	t.Parallel()
	d := testkit.OpenDB(t, db.SQLite, "shop", items)
	err := d.QueryRow(t.Context(), "INSERT INTO items (name) VALUES ('a') RETURNING id").Scan(new(int64))
	require.ErrorContains(t, err, "a Tx writes")
}

func TestMicrosOfTheZeroTime(t *testing.T) {
	t.Parallel()
	assert.True(t, db.FromMicros(db.Micros(time.Time{})).IsZero())
	assert.False(t, db.NullMicros(nil).Valid)
	now := time.Now()
	assert.Equal(t, now.UnixMicro(), db.NullMicros(&now).Int64)
}

// A key of several columns takes only the rows that are meant.
func TestDeleteInBatchesByAKeyOfTwoColumns(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		_, err := d.Exec(ctx, "CREATE TABLE pairs (a TEXT NOT NULL, b TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (a, b))")
		require.NoError(t, err)
		for n, pair := range []string{"xx", "xy", "yx", "yy"} {
			_, err := d.Exec(ctx, "INSERT INTO pairs (a, b, n) VALUES ($1, $2, $3)", pair[:1], pair[1:], n)
			require.NoError(t, err)
		}
		n, err := db.DeleteInBatches(ctx, d, "pairs", "a, b", "n = $1 OR n = $2", 1, 1, 2)
		require.NoError(t, err)
		assert.Equal(t, int64(2), n)
		var left string
		require.NoError(t, d.QueryRow(ctx, "SELECT min(a || b) || max(a || b) FROM pairs").Scan(&left))
		assert.Equal(t, "xxyy", left)
	})
}

func TestDeleteInBatches(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			_, err := d.Exec(ctx, "INSERT INTO items (name, n) VALUES ($1, $2)", name, int(name[0]-'a'))
			require.NoError(t, err)
		}
		n, err := db.DeleteInBatches(ctx, d, "items", "id", "n < $1 AND name <> $2", 2, 6, "c")
		require.NoError(t, err)
		assert.Equal(t, int64(5), n)

		_, err = db.DeleteInBatches(ctx, d, "items", "id", "TRUE", 0)
		require.Error(t, err, "would never end")

		var left int
		require.NoError(t, d.QueryRow(ctx, "SELECT count(*) FROM items").Scan(&left))
		assert.Equal(t, 2, left)
	})
}
