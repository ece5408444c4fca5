package db_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

const secret = "hunter2-and-then-some"

func TestSpansHaveTheStatementButNoValues(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		recorder := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
		d, err := db.Open(t.Context(), url, db.Options{Service: "shop", Migrations: items, Tracer: provider})
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		require.NoError(t, d.Migrate(t.Context()))
		require.NoError(t, insert(t.Context(), d, "taken"))
		assert.Empty(t, recorder.Ended(), "nobody's statement starts no trace")

		ctx, parent := provider.Tracer("test").Start(t.Context(), "parent")
		require.NoError(t, d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := insert(ctx, tx, secret); err != nil {
				return err
			}
			return tx.QueryRow(ctx, "SELECT name FROM items WHERE name = $1", secret).Scan(new(string))
		}))
		require.Error(t, insert(ctx, d, secret))
		require.Error(t, d.QueryRow(ctx, "SELECT name FROM items WHERE name = $1", secret).Scan(new(int64)))
		_ = d.QueryRow(ctx, "SELECT CAST(CAST($1 AS TEXT) AS BIGINT)", secret).Scan(new(bool)) // 0 to SQLite
		parent.End()

		var names []string
		for _, span := range recorder.Ended() {
			if span.SpanContext().SpanID() == parent.SpanContext().SpanID() {
				continue
			}
			names = append(names, span.Name())
			assert.Equal(t, parent.SpanContext().SpanID(), span.Parent().SpanID())
			text := fmt.Sprint(span.Name(), span.Attributes(), span.Events(), span.Status())
			assert.NotContains(t, text, secret)
		}
		assert.Subset(t, names, []string{"BEGIN shop", "INSERT shop", "SELECT shop", "COMMIT shop"})
	})
}

// Errors end up in logs, so they must not repeat what may be a secret.
func TestErrorsDoNotRepeatValues(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		ctx := t.Context()
		d := open(t, url, items)
		require.NoError(t, d.Migrate(ctx))
		require.NoError(t, insert(ctx, d, secret))
		for name, attempt := range map[string]func() error{
			"a broken constraint":    func() error { return insert(ctx, d, secret) },
			"a wrong destination":    func() error { return d.QueryRow(ctx, "SELECT name FROM items").Scan(new(int64)) },
			"a wrong type":           func() error { return d.QueryRow(ctx, "SELECT n + $1 FROM items", secret).Scan(new(bool)) },
			"a cast that fails":      func() error { return d.QueryRow(ctx, "SELECT CAST(name AS BIGINT) FROM items").Scan(new(bool)) },
			"what no driver accepts": func() error { return insertAny(ctx, d, struct{ V string }{secret}) },
		} {
			if err := attempt(); err != nil { // SQLite is content with some
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), secret, name)
			}
		}
	})
}

func insertAny(ctx context.Context, q db.Queryer, name any) error {
	_, err := q.Exec(ctx, "INSERT INTO items (name) VALUES ($1)", name)
	return err
}

func TestMetricsOfThePools(t *testing.T) {
	t.Parallel()
	eachDialect(t, func(t *testing.T, url string) {
		registry := prometheus.NewPedanticRegistry()
		options := db.Options{Service: "shop", Migrations: items, Registry: registry, MaxConns: 3}
		d, err := db.Open(t.Context(), url, options)
		require.NoError(t, err)
		require.NoError(t, d.Migrate(t.Context()))
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return insert(ctx, tx, "a") }))
		require.Error(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return insert(ctx, tx, "a") }))

		pools := 1
		if d.Dialect() == db.SQLite {
			pools = 2
		}
		n, err := testutil.GatherAndCount(registry, "go_sql_open_connections", "go_sql_max_open_connections", "go_sql_wait_count_total")
		require.NoError(t, err)
		assert.Equal(t, 3*pools, n)
		n, err = testutil.GatherAndCount(registry, "gatehouse_db_transaction_seconds")
		require.NoError(t, err)
		assert.Equal(t, 2, n, "commit and rollback")

		_, err = db.Open(t.Context(), url, options)
		require.ErrorContains(t, err, "metrics of shop", "two would overwrite each other")
		require.NoError(t, d.Close())
		families, err := registry.Gather()
		require.NoError(t, err)
		assert.Empty(t, families)
	})
}
