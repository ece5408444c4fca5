package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// LastUse is when a session was last used, as far as that is written.
type LastUse struct {
	Session int64
	Time    time.Time // of its opening if no use is written
}

// LastUses lists the user's open full sessions, in no order.
func LastUses(ctx context.Context, q db.Queryer, user int64, now time.Time) ([]LastUse, error) {
	rows, err := q.Query(ctx, `SELECT sessions.id, COALESCE(session_uses.used_time, sessions.created_time)
		FROM sessions LEFT JOIN session_uses ON session_uses.session_id = sessions.id
		WHERE sessions.user_id = $1 AND sessions.ended_time IS NULL AND sessions.scope = $2 AND sessions.expiration_time > $3`,
		user, string(sessions.ScopeFull), db.Micros(now))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var uses []LastUse
	for rows.Next() {
		var use LastUse
		var micros int64
		if err := rows.Scan(&use.Session, &micros); err != nil {
			return nil, err
		}
		use.Time = db.FromMicros(micros)
		uses = append(uses, use)
	}
	return uses, rows.Err()
}

// FindAll reads sessions by their ids, in no order. Those that are gone are
// missing.
func FindAll(ctx context.Context, q db.Queryer, ids []int64) ([]Record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	places := make([]string, len(ids))
	args := make([]any, len(ids))
	for i, id := range ids {
		places[i], args[i] = "$"+strconv.Itoa(i+1), id
	}
	return scanAll(q.Query(ctx, `SELECT `+columns+` FROM sessions WHERE id IN (`+strings.Join(places, ", ")+`)`, args...))
}
