package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// cost is what requests have asked of the database.
type cost struct{ reads, writes, transactions int }

// eachCounted runs the test on both databases, whose statements it can count.
func eachCounted(t *testing.T, test func(t *testing.T, h *harness, count func(func()) cost)) {
	t.Helper()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			spans := tracetest.NewInMemoryExporter()
			d, err := db.Open(t.Context(), testkit.DatabaseURL(t, dialect), db.Options{
				Service: oauth.Name, Migrations: Migrations, MaxConns: 5, Volatile: true,
				Tracer: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, d.Close()) })
			require.NoError(t, d.Migrate(context.WithoutCancel(t.Context())))
			test(t, newHarness(t, d), func(work func()) cost {
				spans.Reset()
				work()
				var c cost
				for _, span := range spans.GetSpans() {
					switch verb, _, _ := strings.Cut(span.Name, " "); verb {
					case "SELECT", "WITH":
						c.reads++
					case "INSERT", "UPDATE", "DELETE":
						c.writes++
					case "BEGIN":
						c.transactions++
					}
				}
				return c
			})
		})
	}
}

// TestRequestsCostLittle bounds what each request asks of the database, which is
// what an installation grows by.
//
//nolint:tparallel // one database after the other, as with testkit.EachDB
func TestRequestsCostLittle(t *testing.T) {
	t.Parallel()
	eachCounted(t, func(t *testing.T, h *harness, count func(func()) cost) {
		for _, format := range []string{"opaque", "jwt"} {
			c := h.web(func(r *oauth.CreateClientRequest) { r.AccessTokenFormat = format })
			server := h.web(resourceServer())
			code, tokens := h.code(c), answer{}
			assert.Equal(t, cost{reads: 2, writes: 1}, count(func() { tokens = h.redeem(c, code) }), "code")
			require.Equal(t, http.StatusOK, tokens.status, tokens.body)
			access, refresh := tokens.text("access_token"), tokens.text("refresh_token")
			for range 3 { // as often as one likes
				assert.Equal(t, cost{reads: 2, writes: 1}, count(func() {
					tokens = h.refresh(c, refresh)
					refresh = tokens.text("refresh_token")
				}), "refresh")
			}
			own := ""
			assert.Equal(t, cost{reads: 1}, count(func() { own = h.own(c).text("access_token") }), "client credentials")
			for name, token := range map[string]string{"access": access, "own": own, "refresh": refresh} {
				assert.Equal(t, cost{reads: 2}, count(func() { require.True(t, h.active(c, token)) }), "introspection of %s", name)
			}
			assert.Equal(t, cost{reads: 2}, count(func() { require.True(t, h.active(server, access)) }), "introspection by a resource server")
			assert.Equal(t, cost{reads: 1}, count(func() { h.active(server, "unknown") }), "introspection of nothing")
			assert.Equal(t, cost{reads: 2}, count(func() { require.Equal(t, http.StatusOK, h.userinfo(access).status) }), "UserInfo")
			assert.Equal(t, cost{}, count(func() { h.userinfo("unknown") }), "UserInfo for nothing")
			assert.Equal(t, cost{}, count(func() { h.get("/oauth2/jwks") }), "keys")
			assert.Equal(t, cost{reads: 2, writes: 1}, count(func() {
				h.do(as(c, "/oauth2/revoke", url.Values{"token": {refresh}}))
			}), "revocation")
		}
	})
}

func (h *harness) rows(table string) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.QueryRow(h.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

// TestTablesStayBounded issues many tokens, of which nothing is stored but the
// grants, and lets them expire.
func TestTablesStayBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		refresh := h.tokens(c).text("refresh_token")
		for range 50 {
			refresh = h.refresh(c, refresh).text("refresh_token")
			h.own(c)
		}
		assert.Equal(t, 1, h.rows("grants"))
		assert.Zero(t, h.rows("revoked_tokens"))

		const many = 1234 // several batches
		now := db.Micros(h.clock.Now())
		for i := range many {
			_, err := h.db.Exec(t.Context(), "INSERT INTO revoked_tokens (id, expiration_time) VALUES ($1, $2)",
				[]byte{byte(i), byte(i >> 8)}, now+int64(i%2)*time.Hour.Microseconds())
			require.NoError(t, err)
		}
		swept, err := h.service.grants.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.EqualValues(t, many/2, swept, "what is still good stays")
		assert.Equal(t, many/2, h.rows("revoked_tokens"))
		h.clock.Advance(366 * 24 * time.Hour)
		_, err = h.service.grants.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.Zero(t, h.rows("revoked_tokens"))
		assert.Zero(t, h.rows("grants"))
	})
}

// TestRevokingAgainStoresNothing: a token's row is there once, and none for what
// has expired.
func TestRevokingAgainStoresNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for i, format := range []string{"opaque", "jwt"} {
			c := h.web(func(r *oauth.CreateClientRequest) { r.AccessTokenFormat = format })
			token, old := h.own(c).text("access_token"), h.own(c).text("access_token")
			for range 3 {
				require.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/revoke", url.Values{"token": {token}})).status)
			}
			h.clock.Advance(10 * time.Minute)
			require.Equal(t, http.StatusOK, h.do(as(c, "/oauth2/revoke", url.Values{"token": {old}})).status)
			assert.Equal(t, i+1, h.rows("revoked_tokens"))
		}
	})
}
