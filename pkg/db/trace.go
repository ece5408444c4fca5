package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/attribute"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

// traced is a pool whose statements appear as spans below the caller's. The
// spans have the statement's text, never its arguments.
func traced(c driver.Connector, system string, o Options) *sql.DB {
	return otelsql.OpenDB(c,
		otelsql.WithTracerProvider(o.Tracer),
		// Metrics are Prometheus's here, see metrics.go.
		otelsql.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelsql.WithAttributes(
			attribute.String("db.system.name", system),
			attribute.String("db.namespace", o.Service),
		),
		otelsql.WithSpanNameFormatter(func(_ context.Context, method otelsql.Method, query string) string {
			return spanName(method, query) + " " + o.Service
		}),
		otelsql.WithSpanErrorAttributesGetter(errorAttributes),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			OmitConnResetSession: true,
			OmitConnPrepare:      true,
			OmitRows:             true,
			OmitConnectorConnect: true,
			DisableErrSkip:       true,
			RecordError:          func(err error) bool { return withoutValues(err) == "" },
			// Pollers and probes have no span, and should not start a trace a second.
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return trace.SpanContextFromContext(ctx).IsValid()
			},
		}),
	)
}

// spanName is the SQL verb, of which there are few.
func spanName(method otelsql.Method, query string) string {
	switch method {
	case otelsql.MethodConnBeginTx:
		return "BEGIN"
	case otelsql.MethodTxCommit:
		return "COMMIT"
	case otelsql.MethodTxRollback:
		return "ROLLBACK"
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	verb, _, _ = strings.Cut(verb, "\n")
	switch verb = strings.ToUpper(verb); verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE", "ALTER", "DROP":
		return verb
	}
	return "SQL"
}

func errorAttributes(err error) []attribute.KeyValue {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return []attribute.KeyValue{attribute.String("db.response.status_code", pg.Code)}
	}
	return nil
}
