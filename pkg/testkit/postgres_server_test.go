package testkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestAServerKeepsWhatItConfirmed(t *testing.T) {
	t.Parallel()
	p := testkit.StartPostgresServer(t, testkit.PostgresServerOptions{Settings: "synchronous_commit = on\nfull_page_writes = on"})
	d, err := db.Open(t.Context(), p.URL("postgres"), db.Options{Service: "mail", MaxConns: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	exec := func(query string) {
		_, err := d.Exec(t.Context(), query)
		require.NoError(t, err)
	}
	exec("CREATE TABLE kept (n INTEGER)")
	for _, mode := range []string{"fast", "immediate"} {
		exec("INSERT INTO kept VALUES (1)")
		p.Stop(t, mode)
		require.Error(t, d.Ping(t.Context()), "it goes on after it was stopped")
		p.Start(t)
	}
	var n int
	require.NoError(t, d.QueryRow(t.Context(), "SELECT COUNT(*) FROM kept").Scan(&n))
	assert.Equal(t, 2, n)
}
