package db_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// BenchmarkTx is one insert per transaction. SQLite waits for the disk at each
// commit; the throw-away PostgreSQL does not, so compare each with itself.
func BenchmarkTx(b *testing.B) {
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		b.Run(dialect, func(b *testing.B) {
			d := testkit.OpenDB(b, dialect, "shop", items)
			var n atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := d.Tx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
						return insert(ctx, tx, strconv.FormatInt(n.Add(1), 10))
					}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
