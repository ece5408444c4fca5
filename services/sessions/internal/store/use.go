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

// Used names what is used, and where that is noted.
type Used struct{ table, uses, key string }

// What is used.
var (
	Sessions     = Used{table: "sessions", uses: "session_uses", key: "session_id"}
	AccessTokens = Used{table: "access_tokens", uses: "access_token_uses", key: "token_id"}
)

// Use notes when sessions, or tokens, were last used, by id. Of two times the
// later stays; those that are gone are passed over.
func Use(ctx context.Context, q db.Queryer, what Used, uses map[int64]time.Time) error {
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
		_, err := q.Exec(ctx, `WITH used (id, used_time) AS (VALUES `+strings.Join(rows, ", ")+`)
			INSERT INTO `+what.uses+` (`+what.key+`, used_time)
			SELECT used.id, used.used_time FROM used JOIN `+what.table+` AS whole ON whole.id = used.id
			ORDER BY used.id
			ON CONFLICT (`+what.key+`) DO UPDATE SET used_time = excluded.used_time
			WHERE `+what.uses+`.used_time < excluded.used_time`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}
