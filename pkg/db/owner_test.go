package db_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// TestTablesBelongToTheService has the roles of docker-compose.yml: the operator's may
// act as the service's.
func TestTablesBelongToTheService(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgresServer(t, testkit.PostgresServerOptions{})
	for _, role := range []string{"seller LOGIN", "operator LOGIN IN ROLE seller", "stranger LOGIN"} {
		server.Exec(t, "postgres", "CREATE ROLE "+role)
	}
	as := func(role, database string, migrations fs.FS) *db.DB {
		return open(t, strings.Replace(server.URL(database), "user=gatehouse", "user="+role, 1), migrations)
	}
	owners := func(d *db.DB) (owners string) {
		require.NoError(t, d.QueryRow(t.Context(), "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'shop'").Scan(&owners))
		return owners
	}
	for who, c := range map[string]struct{ schema, tables string }{
		"operator":  {"seller", "seller"},
		"gatehouse": {"seller", "seller"}, // a superuser
		"seller":    {"seller", "seller"},
		"stranger":  {"seller", "stranger"}, // who was given the right to
	} {
		server.Exec(t, "postgres", "CREATE DATABASE of_"+who)
		server.Exec(t, "of_"+who, "CREATE SCHEMA shop AUTHORIZATION "+c.schema)
		server.Exec(t, "of_"+who, "GRANT ALL ON SCHEMA shop TO stranger")
		d := as(who, "of_"+who, items)
		require.NoError(t, d.Migrate(t.Context()), who)
		assert.Equal(t, c.tables, owners(d), who)
	}
	require.NoError(t, insert(t.Context(), as("seller", "of_operator", items), "a"))

	// Whose tables are there already goes on to have them.
	server.Exec(t, "of_operator", "ALTER SCHEMA shop OWNER TO stranger")
	later := as("operator", "of_operator", with(items, "00002_more.sql", "-- +goose Up\nCREATE TABLE more (id {{identity}});\n"))
	server.Exec(t, "of_operator", "GRANT ALL ON SCHEMA shop TO seller")
	require.NoError(t, later.Migrate(t.Context()))
	assert.Equal(t, "seller", owners(later))
}
