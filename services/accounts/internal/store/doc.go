// Package store reads and writes the tables of the accounts service. Nothing
// else knows SQL.
//
// Functions take a [db.Queryer], so that they work by themselves and in a
// transaction; those that write several rows or use RETURNING take a *db.Tx.
// What must happen once is a compare-and-set: one UPDATE that names the state
// it expects, and a bool that says whether it found it.
package store

import (
	"database/sql"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// nullID is an id for a column that may be NULL.
func nullID(id *int64) sql.NullInt64 {
	if id == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: *id, Valid: true}
}

func fromNullID(id sql.NullInt64) *int64 {
	if !id.Valid {
		return nil
	}
	return &id.Int64
}

// collect reads all rows of a query.
func collect[T any](rows *db.Rows, err error, scan func(db.Scanner) (T, error)) (all []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has told already
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}
