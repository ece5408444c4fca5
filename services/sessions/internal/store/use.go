package store

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// usesPerStatement keeps the arguments of one statement well below what either
// database takes.
const usesPerStatement = 400

// Use notes when sessions were last used, by id. Of two times the later stays;
// sessions that are gone are passed over.
func Use(ctx context.Context, q db.Queryer, uses map[int64]time.Time) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(uses)), usesPerStatement) {
		var rows []string
		var args []any
		for _, id := range ids {
			n := len(args)
			rows = append(rows, "(CAST($"+strconv.Itoa(n+1)+" AS BIGINT), CAST($"+strconv.Itoa(n+2)+" AS BIGINT))")
			args = append(args, id, db.Micros(uses[id]))
		}
		// In the order of the ids, so that two processes that note the same
		// sessions wait for each other instead of deadlocking.
		_, err := q.Exec(ctx, `WITH used (session_id, used_time) AS (VALUES `+strings.Join(rows, ", ")+`)
			INSERT INTO session_uses (session_id, used_time)
			SELECT used.session_id, used.used_time FROM used JOIN sessions ON sessions.id = used.session_id
			ORDER BY used.session_id
			ON CONFLICT (session_id) DO UPDATE SET used_time = excluded.used_time
			WHERE session_uses.used_time < excluded.used_time`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
