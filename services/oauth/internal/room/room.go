// Package room bounds how much waits at a time in the name of one client. Strangers
// can fill that room, so what is new is not refused because of it: what has waited
// longest and nobody has begun to answer gives way. To keep people out a stranger
// then has to fill the room anew in the time that somebody takes to answer.
package room

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

const (
	// kept is how many of the requests that one user has begun to answer never give
	// way, so that an account alone does not hold a room.
	kept = 20
	// most bounds how many rows give way at once.
	most = 100
)

// ErrFull says that nothing can give way.
var ErrFull = errors.New("room: nothing can give way")

// Room is a part of a table with the column asked_subject, which is empty until
// somebody has begun to answer the row. All of it but the arguments becomes SQL as it
// is.
type Room struct {
	Table, Key string
	Age        string // the column by which older rows have less
	Where      string // which rows are in the room, with $1 to $n
	Args       []any
	Limit      int // how many can be in it
	// GaveWay hears how many rows have given way; nil: nobody does.
	GaveWay func(n int64)
}

// Make makes room for one more. It takes no lock: of what arrives at once a few more
// may come in. It walks the room's index no further than the limit, and looks at all
// of the room only when that is full.
func (r Room) Make(ctx context.Context, d *db.DB) error {
	for range 2 { // once more if others have made room in between
		full, err := r.full(ctx, d)
		if err != nil || !full {
			return err
		}
		n, err := r.giveWay(ctx, d)
		if n > 0 && r.GaveWay != nil {
			r.GaveWay(n)
		}
		if err != nil || n > 0 {
			return err
		}
	}
	return ErrFull
}

func (r Room) full(ctx context.Context, d *db.DB) (bool, error) {
	var one int
	query := fmt.Sprintf("SELECT 1 FROM %s WHERE %s LIMIT 1 OFFSET %d", r.Table, r.Where, r.Limit-1)
	switch err := d.QueryRow(ctx, query, r.Args...).Scan(&one); {
	case errors.Is(err, db.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("room: count: %w", err)
	}
	return true, nil
}

// giveWay deletes some of the oldest rows that may go, all in one statement: a row
// that somebody begins to answer meanwhile is another one and stays.
func (r Room) giveWay(ctx context.Context, d *db.DB) (int64, error) {
	n, err := d.Exec(ctx, fmt.Sprintf(`DELETE FROM %[1]s WHERE %[4]s AND (%[2]s, asked_subject) IN (
		SELECT %[2]s, asked_subject FROM (
			SELECT %[2]s, asked_subject, %[3]s AS age, ROW_NUMBER() OVER (PARTITION BY asked_subject ORDER BY %[3]s DESC, %[2]s) AS place
			FROM %[1]s WHERE %[4]s
		) AS waiting WHERE asked_subject = '' OR place > %[5]d ORDER BY age, %[2]s LIMIT %[6]d)`,
		r.Table, r.Key, r.Age, r.Where, kept, min(max(r.Limit/100, 1), most)), r.Args...)
	if err != nil {
		return n, fmt.Errorf("room: give way: %w", err)
	}
	return n, nil
}
