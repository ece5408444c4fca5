package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	require.NoError(t, d.QueryRow(context.Background(), "SELECT count(*) FROM items").Scan(&n))
	return n
}

func insert(ctx context.Context, q db.Queryer, name string) error {
	_, err := q.Exec(ctx, "INSERT INTO items (name) VALUES ($1)", name)
	return err
}

func TestTxCommitsAndThenCallsBack(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		var calls []string
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			tx.OnCommit(func() {
				calls = append(calls, "first")
				// The transaction is over: others can see it, and write.
				assert.Equal(t, 1, count(t, d))
				assert.NoError(t, insert(ctx, d, "b"))
			})
			tx.OnCommit(func() { calls = append(calls, "second") })
			defer func() { assert.Empty(t, calls) }()
			return insert(ctx, tx, "a")
		}))
		assert.Equal(t, []string{"first", "second"}, calls)
		assert.Equal(t, 2, count(t, d))
	})
}

func TestTxRollsBack(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		require.NoError(t, insert(ctx, d, "taken"))

		fail := func(name string, want func(t *testing.T, err error), fn func(ctx context.Context, tx *db.Tx) error) {
			t.Run(name, func(t *testing.T) {
				err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
					tx.OnCommit(func() { t.Error("called back without a commit") })
					require.NoError(t, insert(ctx, tx, "a"))
					return fn(ctx, tx)
				})
				want(t, err)
				assert.Equal(t, 1, count(t, d))
			})
		}
		is := func(target error) func(*testing.T, error) {
			return func(t *testing.T, err error) { require.ErrorIs(t, err, target) }
		}
		unique := func(t *testing.T, err error) { assert.True(t, db.IsUnique(err), "%v", err) }

		fail("on an error, and passes it on", is(boom), func(context.Context, *db.Tx) error { return boom })
		fail("on a broken constraint", unique, func(ctx context.Context, tx *db.Tx) error {
			return insert(ctx, tx, "taken")
		})
		fail("on a failed statement that was ignored", unique, func(ctx context.Context, tx *db.Tx) error {
			_ = insert(ctx, tx, "taken")
			require.ErrorContains(t, insert(ctx, tx, "b"), "void")
			require.ErrorContains(t, tx.QueryRow(ctx, "SELECT 1").Scan(new(int)), "void")
			return nil
		})
		fail("on a context that ended", is(context.Canceled), func(ctx context.Context, tx *db.Tx) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return insert(ctx, tx, "b")
		})
		fail("but not for a row that is not there", is(boom), func(ctx context.Context, tx *db.Tx) error {
			require.ErrorIs(t, tx.QueryRow(ctx, "SELECT id FROM items WHERE n = 9").Scan(new(int64)), db.ErrNoRows)
			require.NoError(t, insert(ctx, tx, "b"))
			return boom
		})

		t.Run("on a panic, and passes it on", func(t *testing.T) {
			assert.PanicsWithValue(t, "boom", func() {
				_ = d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
					_ = insert(ctx, tx, "a")
					panic("boom")
				})
			})
			assert.Equal(t, 1, count(t, d))
			require.NoError(t, insert(ctx, d, "the writer is free again"))
		})
	})
}

func TestTxOfAContextThatEndsInBetween(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			require.NoError(t, insert(ctx, tx, "a"))
			cancel()
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 0, count(t, d))
		require.NoError(t, insert(t.Context(), d, "b"))
	})
}

func TestAWriteBesideItsOwnTransactionIsRefused(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		other := testkit.OpenDB(t, db.SQLite, "shop", items)
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			require.ErrorContains(t, insert(ctx, d, "a"), "use its Tx")
			err := d.Tx(ctx, func(context.Context, *db.Tx) error { panic("not reached") })
			require.ErrorContains(t, err, "use its Tx")

			require.NoError(t, d.QueryRow(ctx, "SELECT count(*) FROM items").Scan(new(int)), "reading is fine")
			require.NoError(t, insert(ctx, other, "a"), "as is another database")
			return insert(ctx, tx, "b")
		}))
		assert.Equal(t, 1, count(t, d))
	})
}

// Each goroutine reads and then writes what it has read plus one. On SQLite
// that is safe as it is, PostgreSQL needs the row lock that UPDATE takes.
func TestWritersQueue(t *testing.T) {
	t.Parallel()
	const writers, rounds = 8, 10
	testkit.EachDB(t, "shop", items, func(t *testing.T, d *db.DB) {
		require.NoError(t, insert(t.Context(), d, "counter"))
		g, ctx := errgroup.WithContext(t.Context())
		for range writers {
			g.Go(func() error {
				for range rounds {
					if err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
						var n int
						err := tx.QueryRow(ctx, "UPDATE items SET n = n + 1 WHERE name = 'counter' RETURNING n").Scan(&n)
						if err != nil {
							return err
						}
						_, err = tx.Exec(ctx, "UPDATE items SET n = $1 WHERE name = 'counter'", n)
						return err
					}); err != nil {
						return err
					}
				}
				return nil
			})
			g.Go(func() error { // readers are not held up
				for range rounds {
					if err := d.QueryRow(ctx, "SELECT n FROM items").Scan(new(int)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, g.Wait())
		var n int
		require.NoError(t, d.QueryRow(t.Context(), "SELECT n FROM items").Scan(&n))
		assert.Equal(t, writers*rounds, n)
	})
}

func TestWaitingForTheWriterEndsWithTheContext(t *testing.T) {
	t.Parallel()
	d := testkit.OpenDB(t, db.SQLite, "shop", items)
	require.NoError(t, d.Tx(t.Context(), func(context.Context, *db.Tx) error {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		err := insert(ctx, d, "a")
		require.ErrorIs(t, err, context.Canceled)
		assert.True(t, fault.Is(err, fault.Unavailable))
		return nil
	}))
}

// Two handles on one file are to SQLite what two processes are.
func TestSQLiteSharesTheFileWithOtherProcesses(t *testing.T) {
	t.Parallel()
	const rounds = 10
	url := testkit.DatabaseURL(t, db.SQLite)
	g, ctx := errgroup.WithContext(t.Context())
	open := func() (*db.DB, error) {
		d, err := db.Open(ctx, url, db.Options{Service: "shop", Migrations: items})
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { assert.NoError(t, d.Close()) })
		err = d.Migrate(ctx)
		return d, err
	}
	for range 3 {
		g.Go(func() error {
			d, err := open()
			if err != nil {
				return err
			}
			for range rounds {
				// Somebody else comes and goes.
				passing, err := db.Open(ctx, url, db.Options{Service: "shop"})
				if err != nil {
					return err
				}
				if err := errors.Join(passing.Ping(ctx), passing.Close()); err != nil {
					return err
				}
				if err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, `INSERT INTO items (name, n) VALUES ('counter', 1)
						ON CONFLICT (name) DO UPDATE SET n = items.n + 1`)
					return err
				}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	d, err := db.Open(t.Context(), url, db.Options{Service: "shop"})
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	var n int
	require.NoError(t, d.QueryRow(t.Context(), "SELECT n FROM items").Scan(&n))
	assert.Equal(t, 3*rounds, n)
}
