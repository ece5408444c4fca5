package db

import (
	"context"
	"fmt"
)

// DeleteInBatches deletes the rows of table that satisfy where, batch rows per
// transaction, so that a large clean-up never holds a lock for long. key is
// the table's primary key, all of its columns ("user, name"), for what has the same
// key goes with it; where may use $1 to $n for args. It returns how
// many rows went, also when it was interrupted.
//
// table, key and where become SQL as they are: they are the program's own
// text, never input.
func DeleteInBatches(ctx context.Context, d *DB, table, key, where string, batch int, args ...any) (int64, error) {
	if batch < 1 {
		return 0, fmt.Errorf("db: a batch of %d rows", batch)
	}
	// The condition is there twice: PostgreSQL judges a row that it had to wait for anew,
	// by what is outside alone.
	query := fmt.Sprintf("DELETE FROM %[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE %[3]s LIMIT %[4]d) AND (%[3]s)",
		table, key, where, batch)
	var total int64
	for {
		n, err := d.Exec(ctx, query, args...)
		total += n
		if err != nil || n < int64(batch) {
			return total, err
		}
	}
}
