package edge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

func take(t *testing.T, l edge.Limiter, key string) edge.Decision {
	t.Helper()
	d, err := l.Take(t.Context(), key)
	require.NoError(t, err)
	return d
}

func TestAWindowOpensWithTheFirstCallAndClosesAsAWhole(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	l := edge.NewMemoryLimiter(edge.Quota{Limit: 2, Window: time.Minute}, 100, clock)

	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 1, OK: true, Reset: time.Minute}, take(t, l, "a"))
	clock.Advance(45 * time.Second)
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 0, OK: true, Reset: 15 * time.Second}, take(t, l, "a"))
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 0, OK: false, Reset: 15 * time.Second}, take(t, l, "a"))
	assert.True(t, take(t, l, "b").OK)
	clock.Advance(15 * time.Second)
	assert.Equal(t, edge.Decision{Limit: 2, Remaining: 1, OK: true, Reset: time.Minute}, take(t, l, "a"))
}

func TestPeekingDoesNotCount(t *testing.T) {
	t.Parallel()
	l := edge.NewMemoryLimiter(edge.Quota{Limit: 2, Window: time.Minute}, 100, clockwork.NewFakeClock())
	for range 5 {
		d, err := l.Peek(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, 2, d.Remaining)
	}
	take(t, l, "a")
	d, err := l.Peek(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, 1, d.Remaining)
	assert.True(t, d.OK)
}

func TestConcurrentCallsAreAllCounted(t *testing.T) {
	t.Parallel()
	l := edge.NewMemoryLimiter(edge.Quota{Limit: 1000, Window: time.Minute}, 100, clockwork.NewFakeClock())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				_, _ = l.Take(context.Background(), "a")
			}
		})
	}
	all.Wait()
	assert.False(t, take(t, l, "a").OK)
}

func TestAFloodOfAddressesDoesNotForgetTheOneThatKeepsCalling(t *testing.T) {
	t.Parallel()
	l := edge.NewMemoryLimiter(edge.Quota{Limit: 1 << 30, Window: time.Hour}, 1000, clockwork.NewFakeClock())
	for i := range 20_000 {
		take(t, l, "regular")
		take(t, l, fmt.Sprint(i))
	}
	assert.Less(t, take(t, l, "regular").Remaining, 1<<30-15_000)
}

// broken is a limiter whose counters are away.
type broken struct{}

func (broken) Take(context.Context, string) (edge.Decision, error) {
	return edge.Decision{Limit: 7}, errors.New("away")
}

func (broken) Peek(context.Context, string) (edge.Decision, error) {
	return edge.Decision{Limit: 7}, errors.New("away")
}

func TestWithoutCountersRequestsPass(t *testing.T) {
	t.Parallel()
	texts, err := i18n.New()
	require.NoError(t, err)
	e, err := edge.New(edge.Options{
		Obs: obs.Nop(), Clock: clockwork.NewFakeClock(), Texts: texts,
		PublicURL:  &url.URL{Scheme: "https", Host: "id.example.org"},
		Limits:     edge.Limits{Window: time.Minute, User: 1, Address: 1, OAuthFailures: 1, Authorizations: 1, Registrations: 1, Keys: 1},
		NewLimiter: func(string, edge.Quota) edge.Limiter { return broken{} },
	})
	require.NoError(t, err)
	fine := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	fail := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusInternalServerError) }
	for name, h := range map[string]http.Handler{"api": e.API(fine, fail), "oauth": e.OAuth(fine)} {
		w := httptest.NewRecorder()
		e.Handler(h).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
		assert.Equal(t, http.StatusTeapot, w.Code, name)
	}
}
