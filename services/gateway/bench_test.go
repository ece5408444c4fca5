package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/gateway"
)

func BenchmarkCurrentAuthentication(b *testing.B) {
	for name, header := range map[string]map[string]string{
		"plain":  nil,
		"German": {"Accept-Language": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"},
	} {
		b.Run(name, func(b *testing.B) {
			s := newStage(b, settings(func(c *gateway.Config) { c.RateUser = 1 << 40 }))
			go func() { _ = s.Run(b.Context()) }()
			<-s.sessions.Polled()
			require.NoError(b, s.clock.BlockUntilContext(b.Context(), 1))
			s.clock.Advance(time.Millisecond)
			r := request{method: http.MethodGet, path: "/v1/auth", token: s.full(), header: header}.build()
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			require.Equal(b, 1, s.sessions.Calls("Resolve"))
		})
	}
}
