package load_test

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

var people = flag.Int("people", 20_000, "how many people BenchmarkScale puts into the database")

//go:embed testdata/people.sql
var peopleSQL string

// BenchmarkScale is what requests cost among many people, each time as another one
// of them, and tells how large each table has become: go test -v -bench=Scale -people=1000000.
func BenchmarkScale(b *testing.B) {
	database := testkit.DatabaseURL(b, "postgres")
	s := system.StandaloneWith(b, system.StandaloneOptions{Quiet: true, DatabaseURL: database})
	p := gatehouse(b, s)
	db, err := pgx.Connect(b.Context(), database)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close(b.Context())) })
	populate(b, db)
	b.Log(sizes(b, db))

	logIn := func() *http.Request {
		body, err := json.Marshal(map[string]string{
			"user": fmt.Sprintf("person%d@example.org", 1+rand.IntN(*people)), "password": p.person.Password,
		})
		require.NoError(b, err)
		r := newRequest(b, http.MethodPost, s.URL+"/v1/auth", string(body))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	b.Run("login", func(b *testing.B) { parallel(b, logIn) })
	b.Run("code", func(b *testing.B) {
		for b.Loop() {
			do(b, p.post(b, p.Token, p.code(b)))
		}
		perSecond(b)
	})
}

// populate fills the tables after the example of the first user who is there.
func populate(b *testing.B, db *pgx.Conn) {
	b.Helper()
	var user int64
	require.NoError(b, db.QueryRow(b.Context(), `SELECT MIN(user_id) FROM accounts.credentials`).Scan(&user))
	script := strings.NewReplacer("$people", strconv.Itoa(*people), "$user", strconv.FormatInt(user, 10)).Replace(peopleSQL)
	_, err := db.Exec(b.Context(), script)
	require.NoError(b, err)
}

// sizes are those of the tables that grow, with their indexes.
func sizes(b *testing.B, db *pgx.Conn) string {
	b.Helper()
	rows, err := db.Query(b.Context(), `
		SELECT schemaname || '.' || relname, n_live_tup, pg_table_size(relid) / n_live_tup, pg_indexes_size(relid) / n_live_tup
		FROM pg_stat_user_tables WHERE n_live_tup >= $1 AND schemaname NOT LIKE 'pg_temp%' ORDER BY pg_total_relation_size(relid) DESC`, *people/10)
	require.NoError(b, err)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "table\trows\tbytes a row\tof indexes")
	var (
		name                  string
		count, bytes, indexes int64
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &count, &bytes, &indexes}, func() error {
		_, err := fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", name, count, bytes, indexes)
		return err
	})
	require.NoError(b, err)
	require.NoError(b, w.Flush())
	return "\n" + table.String()
}
