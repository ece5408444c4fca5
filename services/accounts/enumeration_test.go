package accounts

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// TestRegistrationDoesTheSameWorkForAnyAddress compares the statements that
// registering takes, from their spans, instead of the time.
func TestRegistrationDoesTheSameWorkForAnyAddress(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			recorder := tracetest.NewSpanRecorder()
			tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
			d, err := db.Open(t.Context(), testkit.DatabaseURL(t, dialect), db.Options{
				Service: accounts.Name, Migrations: Migrations, Tracer: tracer,
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, d.Close()) })
			require.NoError(t, d.Migrate(t.Context()))

			f := newFixture(t, d)
			f.register(olliMail)
			f.register("disabled@example.com")
			f.exec(`UPDATE users SET status = 0 WHERE email = 'disabled@example.com'`)
			f.initiate("invited@example.com")

			statements := func(email string) []string {
				recorder.Reset()
				ctx, span := tracer.Tracer("test").Start(t.Context(), "registration")
				answer, err := f.InitiateActivation(ctx, registration(email))
				span.End()
				require.NoError(t, err)
				require.Equal(t, api.Nothing{}, answer)
				return texts(recorder.Ended())
			}
			want := statements("new@example.com")
			require.Greater(t, len(want), 5)
			for _, email := range []string{olliMail, "disabled@example.com", "invited@example.com"} {
				for range 4 { // to the last mail that the address gets, and beyond
					require.Equal(t, want, statements(email), email)
				}
			}
			require.EqualValues(t, 6, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'activation.throttled'`))
		})
	}
}

// texts are the statements of spans, and the names of those that have none.
func texts(spans []sdktrace.ReadOnlySpan) (all []string) {
	for _, span := range spans {
		text := span.Name()
		for _, a := range span.Attributes() {
			if a.Key == "db.query.text" || a.Key == "db.statement" {
				text = a.Value.AsString()
			}
		}
		all = append(all, text)
	}
	return all
}
