package accounts

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// onEachTraced runs the test with a service whose statements are recorded.
func onEachTraced(t *testing.T, test func(f *fixture, statements func(do func(ctx context.Context)) []string)) {
	t.Helper()
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
			f.cast()
			test(f, func(do func(ctx context.Context)) []string {
				recorder.Reset()
				ctx, span := tracer.Tracer("test").Start(t.Context(), "request")
				do(ctx)
				span.End()
				return texts(recorder.Ended())
			})
		})
	}
}

// TestRegistrationDoesTheSameWorkForAnyAddress compares the statements that
// registering takes, from their spans, instead of the time.
func TestRegistrationDoesTheSameWorkForAnyAddress(t *testing.T) {
	onEachTraced(t, func(f *fixture, statements func(func(context.Context)) []string) {
		register := func(email string) []string {
			return statements(func(ctx context.Context) {
				answer, err := f.InitiateActivation(ctx, registration(email))
				require.NoError(f.t, err)
				require.Equal(f.t, api.Nothing{}, answer)
			})
		}
		want := register("new@example.com")
		require.Greater(f.t, len(want), 5)
		for _, email := range []string{olliMail, "disabled@example.com", "invited@example.com"} {
			for range 4 { // to the last mail that the address gets, and beyond
				require.Equal(f.t, want, register(email), email)
			}
		}
		require.EqualValues(f.t, 6, f.recorded("activation.throttled"))
	})
}

// TestGuessingDoesTheSameWorkForAnyName up to the lock and beyond.
func TestGuessingDoesTheSameWorkForAnyName(t *testing.T) {
	onEachTraced(t, func(f *fixture, statements func(func(context.Context)) []string) {
		var want [][]string
		for _, login := range append([]string{"new@example.com", "new"}, append(names, olliMail)...) {
			for n := range lockedAfter + 2 {
				got := statements(func(ctx context.Context) {
					_, err := f.Authenticate(ctx, accounts.AuthenticateRequest{Login: login, Password: "wrong password", Origin: abroad})
					require.Error(f.t, err)
				})
				if login == "new@example.com" {
					require.Greater(f.t, len(got), 5)
					want = append(want, got)
				}
				require.Equal(f.t, want[n], got, "%s, guess %d", login, n)
				f.clock.Advance(longestDelay)
			}
		}
		require.EqualValues(f.t, 7, f.recorded("login.locked"))
		require.NotEqual(f.t, want[lockedAfter-2], want[lockedAfter-1], "the lock does nothing")
	})
}

// TestResetsDoTheSameWorkForAnyName up to the last mail and beyond.
func TestResetsDoTheSameWorkForAnyName(t *testing.T) {
	onEachTraced(t, func(f *fixture, statements func(func(context.Context)) []string) {
		reset := func(login string) []string {
			return statements(func(ctx context.Context) {
				_, err := f.InitiateReset(ctx, accounts.InitiateResetRequest{Login: login, Origin: abroad})
				require.NoError(f.t, err)
			})
		}
		want := reset("new@example.com")
		require.Greater(f.t, len(want), 5)
		for _, login := range append(names, olliMail, "new", "\x00") {
			for range enough + 1 {
				require.Equal(f.t, want, reset(login), login)
			}
		}
	})
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
