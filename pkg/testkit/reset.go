package testkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// resetting is what a database has to be like to be used again.
type resetting struct {
	// empty are the tables without rows, quoted. What migrations have put into the
	// others, such as their own versions, is part of the state.
	empty []string
	// seeded are the identities that migrations have used.
	seeded []string
	// state is the answer to stateSQL.
	stateSQL, state string
}

// disconnectSQL ends what connections a test has left.
const disconnectSQL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

// emptySQL drops all that a test has made in a database that was empty.
const emptySQL = disconnectSQL + `;
DO $$
DECLARE s text;
BEGIN
  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', s);
  END LOOP;
END $$;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
`

// tablesSQL lists all tables of all services.
const tablesSQL = `
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1`

// schemaSQL is a text that any DDL changes, and that data and TRUNCATE do not: the
// transactions that have written the catalog.
const schemaSQL = `concat_ws(' ',
  (SELECT string_agg(concat_ws(' ', oid, relname, relacl, relrowsecurity), ',' ORDER BY oid) FROM pg_class WHERE oid >= 16384),
  (SELECT count(*) || '.' || sum(xmin::text::bigint) FROM pg_attribute),
  (SELECT count(*) || '.' || sum(xmin::text::bigint) FROM pg_attrdef),
  (SELECT count(*) || '.' || sum(xmin::text::bigint) FROM pg_constraint),
  (SELECT count(*) || '.' || sum(xmin::text::bigint) FROM pg_trigger),
  (SELECT count(*) || '.' || sum(xmin::text::bigint) FROM pg_proc),
  (SELECT count(*) || '.' || sum(xmin::text::bigint) FROM pg_namespace),
  (SELECT count(*) FROM pg_db_role_setting))`

// sequencesSQL is where the identities are.
const sequencesSQL = `(SELECT string_agg(concat_ws(' ', schemaname, sequencename, last_value), ',' ORDER BY schemaname, sequencename) FROM pg_sequences)`

// seededSQL lists the identities that have been used.
const seededSQL = `SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences WHERE last_value IS NOT NULL`

// learn writes down what a fresh copy of the template is like.
func (s *server) learn(ctx context.Context, t *template) error {
	return s.with(ctx, t.database, func(conn *pgx.Conn) error {
		tables, err := texts(ctx, conn, tablesSQL)
		if err != nil {
			return err
		}
		if t.reset.seeded, err = texts(ctx, conn, seededSQL); err != nil {
			return err
		}
		state := []string{schemaSQL, sequencesSQL}
		for _, table := range tables {
			var used bool
			if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+table+")").Scan(&used); err != nil {
				return err
			}
			if !used {
				t.reset.empty = append(t.reset.empty, table)
				continue
			}
			state = append(state, fmt.Sprintf("(SELECT string_agg(t::text, ',' ORDER BY t::text) FROM %s t)", table))
		}
		t.reset.stateSQL = "SELECT md5(concat_ws(E'\\n', " + strings.Join(state, ", ") + "))"
		return conn.QueryRow(ctx, t.reset.stateSQL).Scan(&t.reset.state)
	})
}

// reset makes a database as it was before the test, and tells whether it is: one
// whose tables a test has changed is not.
func (s *server) reset(ctx context.Context, t *template, name string) (again bool, err error) {
	if t == nil {
		return true, s.exec(ctx, name, emptySQL)
	}
	err = s.with(ctx, name, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, disconnectSQL); err != nil {
			return err
		}
		var state string
		emptied := t.reset.empties(ctx, conn) // fails if a table is gone
		if emptied == nil {
			emptied = conn.QueryRow(ctx, t.reset.stateSQL).Scan(&state)
		}
		again = emptied == nil && state == t.reset.state
		return nil
	})
	return again, err
}

// empties takes out the rows, and sets the identities back of tables that have
// had any.
func (r resetting) empties(ctx context.Context, conn *pgx.Conn) error {
	if len(r.empty) == 0 {
		return nil
	}
	used := make([]string, len(r.empty))
	for i, table := range r.empty {
		used[i] = fmt.Sprintf("SELECT '%s' WHERE EXISTS (SELECT 1 FROM %[1]s)", table)
	}
	tables, err := texts(ctx, conn, strings.Join(used, " UNION ALL "))
	if err != nil {
		return err
	}
	if len(tables) > 0 {
		if _, err := conn.Exec(ctx, "TRUNCATE "+strings.Join(tables, ", ")+" CASCADE"); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, `SELECT setval(format('%I.%I', schemaname, sequencename), start_value, false)
		FROM pg_sequences WHERE last_value IS NOT NULL AND format('%I.%I', schemaname, sequencename) <> ALL ($1)`, r.seeded)
	return err
}

// texts are the rows of a query for one column of text.
func texts(ctx context.Context, conn *pgx.Conn, query string) ([]string, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
