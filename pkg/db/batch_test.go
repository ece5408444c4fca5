package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// TestWhatIsRenewedMeanwhileIsNotDeleted has a row that is due when the deletion looks,
// and is renewed by a transaction that it waits for.
func TestWhatIsRenewedMeanwhileIsNotDeleted(t *testing.T) {
	t.Parallel()
	d := open(t, testkit.DatabaseURL(t, db.Postgres), items)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, insert(t.Context(), d, "due"))
	require.NoError(t, insert(t.Context(), d, "renewed"))

	deleted := make(chan int64, 1)
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE items SET name = 'fresh' WHERE name = 'renewed'"); err != nil {
			return err
		}
		go func() {
			n, err := db.DeleteInBatches(t.Context(), d, "items", "id", "name IN ($1, $2)", 10, "due", "renewed")
			assert.NoError(t, err)
			deleted <- n
		}()
		require.Eventually(t, func() bool {
			var waiting bool
			err := d.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE%')`).Scan(&waiting)
			return assert.NoError(t, err) && waiting
		}, 20*time.Second, time.Millisecond)
		return nil
	}))
	assert.EqualValues(t, 1, <-deleted)
	assert.Equal(t, 1, count(t, d))
}
