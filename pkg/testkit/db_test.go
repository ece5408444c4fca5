package testkit_test

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// asVictim makes TestVictim do something, in a process of its own.
const asVictim = "TESTKIT_TEST_VICTIM"

func TestMain(m *testing.M) { testkit.Main(m) }

var things = fstest.MapFS{"00001_things.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id {{identity}});\n")}}

func TestEachDBIsFreshEachTime(t *testing.T) {
	t.Parallel()
	var seen []string
	for range 3 { // on PostgreSQL the second and third get a used database
		testkit.EachDB(t, "shop", things, func(t *testing.T, d *db.DB) {
			seen = append(seen, d.Dialect())
			_, err := d.Exec(t.Context(), "INSERT INTO things DEFAULT VALUES")
			require.NoError(t, err)
			var id int64
			require.NoError(t, d.QueryRow(t.Context(), "SELECT id FROM things").Scan(&id))
			assert.Equal(t, int64(1), id)
		})
	}
	assert.Equal(t, strings.Fields("sqlite postgres sqlite postgres sqlite postgres"), seen)
}

// toys are like things, in databases that only the test below gets.
var toys = fstest.MapFS{"00001_toys.sql": {Data: []byte(`-- +goose Up
CREATE TABLE toys (id {{identity}}, name TEXT NOT NULL DEFAULT 'ball');
CREATE TABLE rules (id {{identity}}, text TEXT NOT NULL);
INSERT INTO rules (text) VALUES ('Share.');
CREATE TABLE owners (toy BIGINT NOT NULL REFERENCES toys (id));
`)}}

func TestWhatATestDoesToItsDatabaseIsGone(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		do    string
		again bool // on PostgreSQL the next test gets the same database
	}{
		"nothing":           {"SELECT 1", true},
		"rows":              {"INSERT INTO toys DEFAULT VALUES; INSERT INTO owners SELECT id FROM toys", true},
		"rows, come and go": {"INSERT INTO toys DEFAULT VALUES; DELETE FROM toys", true},
		"a seed is changed": {"UPDATE rules SET text = 'Take.'", false},
		"a seed is gone":    {"DELETE FROM rules", false},
		"a seed too many":   {"INSERT INTO rules (text) VALUES ('Cry.')", false},
		"a new table":       {"CREATE TABLE more (id BIGINT)", false},
		"a table is gone":   {"DROP TABLE owners", false},
		"a new column":      {"ALTER TABLE owners ADD COLUMN since BIGINT", false},
		"a new constraint":  {"CREATE UNIQUE INDEX one_toy ON owners (toy)", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, dialect := range []string{db.SQLite, db.Postgres} {
				t.Run(dialect, func(t *testing.T) {
					var first, second string
					t.Run("a test", func(t *testing.T) {
						d := testkit.OpenDB(t, dialect, "shop", toys)
						first = databaseName(t, d)
						for _, statement := range strings.Split(c.do, "; ") {
							_, err := d.Exec(t.Context(), statement)
							require.NoError(t, err)
						}
					})
					t.Run("the next", func(t *testing.T) {
						d := testkit.OpenDB(t, dialect, "shop", toys)
						second = databaseName(t, d)
						requireNewToys(t, d)
					})
					if dialect == db.Postgres {
						assert.Equal(t, c.again, first == second)
					}
				})
			}
		})
	}
}

// requireNewToys checks that the database is as the migrations made it.
func requireNewToys(t *testing.T, d *db.DB) {
	t.Helper()
	_, err := d.Exec(t.Context(), "INSERT INTO toys DEFAULT VALUES")
	require.NoError(t, err)
	var toy, owners, rules int64
	var rule string
	require.NoError(t, d.QueryRow(t.Context(), `SELECT max(id), (SELECT count(*) FROM owners), (SELECT count(*) FROM rules),
		(SELECT max(text) FROM rules) FROM toys`).Scan(&toy, &owners, &rules, &rule))
	assert.Equal(t, []any{int64(1), int64(0), int64(1), "Share."}, []any{toy, owners, rules, rule})
	_, err = d.Exec(t.Context(), "INSERT INTO owners VALUES (1)")
	require.NoError(t, err)
	_, err = d.Exec(t.Context(), "INSERT INTO owners VALUES (1)")
	require.NoError(t, err)
	require.Error(t, d.QueryRow(t.Context(), "SELECT count(*) FROM more").Scan(&owners))
}

func databaseName(t *testing.T, d *db.DB) string {
	t.Helper()
	var name string
	if d.Dialect() == db.Postgres {
		require.NoError(t, d.QueryRow(t.Context(), "SELECT current_database()").Scan(&name))
	}
	return name
}

func TestDatabasesOfTestsThatRunAtOnceAreDifferent(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		a, b := testkit.DatabaseURL(t, dialect), testkit.DatabaseURL(t, dialect)
		assert.NotEqual(t, a, b)
	}
}

// TestVictim is no test by itself: it starts a server, says where, and meets
// the end that its environment asks for.
func TestVictim(t *testing.T) {
	end := os.Getenv(asVictim)
	if end != "" {
		t.Log("server in", socketDir(t))
	}
	switch end {
	case "": // an ordinary run
	case "panics":
		panic("as asked")
	case "exits":
		os.Exit(3)
	default:
		select {} // until somebody kills it
	}
}

func TestTheServerGoesWithItsProcess(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"panics", "exits", "is killed"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			dir := runVictim(t, end)
			assert.Eventually(t, func() bool {
				_, err := os.Stat(dir)
				return os.IsNotExist(err)
			}, 30*time.Second, 20*time.Millisecond, "%s is still there", dir)
		})
	}
}

// runVictim returns the directory of the server whose process is gone.
func runVictim(t *testing.T, end string) string {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	victim.Env = append(os.Environ(), asVictim+"="+end)
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	var dir string
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		_, dir, _ = strings.Cut(lines.Text(), "server in ")
	}
	require.DirExists(t, dir)
	if end == "is killed" {
		require.NoError(t, victim.Process.Kill())
	}
	require.Error(t, victim.Wait())
	return dir
}

func socketDir(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(testkit.DatabaseURL(t, db.Postgres))
	require.NoError(t, err)
	return u.Query().Get("host")
}
