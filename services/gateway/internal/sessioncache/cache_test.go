package sessioncache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/sessioncache"
)

const poll = 400 * time.Millisecond

// gateways are caches of several gateways in front of one sessions service.
type gateways struct {
	clock    *clockwork.FakeClock
	sessions *gatewaytest.Sessions
	caches   []*sessioncache.Cache
}

func start(t *testing.T, n int) gateways {
	t.Helper()
	clock := clockwork.NewFakeClock()
	g := gateways{clock: clock, sessions: gatewaytest.NewSessions(clock)}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range n {
		c := sessioncache.New(sessioncache.Options{
			Sessions: g.sessions, Clock: clock, Obs: obs.Nop(), Size: 100, Poll: poll,
		})
		g.caches = append(g.caches, c)
		running.Go(func() { assert.NoError(t, c.Run(ctx)) })
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	g.settle(t)
	return g
}

// settle waits until every cache has heard the feed and sleeps.
func (g gateways) settle(t *testing.T) {
	t.Helper()
	for range g.caches {
		select {
		case <-g.sessions.Polled():
		case <-t.Context().Done():
			t.Fatal("the feed is not asked")
		}
	}
	g.idle(t)
}

// idle waits until every cache sleeps.
func (g gateways) idle(t *testing.T) {
	t.Helper()
	require.NoError(t, g.clock.BlockUntilContext(t.Context(), len(g.caches)))
}

func (g gateways) resolve(t *testing.T, cache int, token string) error {
	t.Helper()
	c := g.caches[cache]
	if _, ok := c.Cached(token); ok {
		return nil
	}
	_, err := c.Resolve(t.Context(), token)
	return err
}

func TestAKnownTokenIsNotAskedAboutAgain(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	token := g.sessions.Open(sessions.ScopeFull, nil).Token

	_, ok := g.caches[0].Cached(token)
	require.False(t, ok)
	for range 5 {
		require.NoError(t, g.resolve(t, 0, token))
	}
	assert.Equal(t, 1, g.sessions.Calls("Resolve"))
}

func TestAnEndedSessionIsRefusedEverywhereWithinTheBound(t *testing.T) {
	t.Parallel()
	g := start(t, 2)
	token := g.sessions.Open(sessions.ScopeFull, nil)
	for gateway := range 2 {
		require.NoError(t, g.resolve(t, gateway, token.Token))
	}

	_, err := g.sessions.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
	require.NoError(t, err)
	g.caches[0].Ended(token.Session.ID)

	assert.True(t, fault.Is(g.resolve(t, 0, token.Token), fault.Unauthenticated), "the gateway of the logout, at once")
	g.clock.Advance(poll)
	g.settle(t)
	assert.True(t, fault.Is(g.resolve(t, 1, token.Token), fault.Unauthenticated), "the other one, after a poll")
}

func TestWithoutTheFeedEveryTokenIsAskedAbout(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	token := g.sessions.Open(sessions.ScopeFull, nil)
	require.NoError(t, g.resolve(t, 0, token.Token))

	g.sessions.Fail("Revocations", fault.New(fault.Unavailable, ""))
	g.clock.Advance(sessioncache.Bound)
	_, ok := g.caches[0].Cached(token.Token)
	assert.True(t, ok, "at the bound")
	g.clock.Advance(time.Millisecond)
	_, ok = g.caches[0].Cached(token.Token)
	assert.False(t, ok, "beyond the bound")

	_, err := g.sessions.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
	require.NoError(t, err)
	assert.True(t, fault.Is(g.resolve(t, 0, token.Token), fault.Unauthenticated), "although nobody told of the end")
}

func TestWithoutTheSessionsServiceNobodyIsLoggedOut(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	token := g.sessions.Open(sessions.ScopeFull, nil).Token
	require.NoError(t, g.resolve(t, 0, token))

	g.sessions.Away()
	require.NoError(t, g.resolve(t, 0, token), "while the feed was heard of late")
	g.clock.Advance(2 * sessioncache.Bound)
	assert.True(t, fault.Is(g.resolve(t, 0, token), fault.Unavailable))
}

func TestWhatEndedDuringSilenceStaysEnded(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]time.Duration{"short": 10 * time.Second, "longer than the feed remembers": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, 1)
			token := g.sessions.Open(sessions.ScopeFull, nil)
			require.NoError(t, g.resolve(t, 0, token.Token))

			g.sessions.Fail("Revocations", fault.New(fault.Unavailable, ""))
			_, err := g.sessions.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
			require.NoError(t, err)
			g.clock.Advance(silence)
			g.idle(t)
			g.sessions.Fail("Revocations", nil)
			g.clock.Advance(poll)
			g.settle(t)

			_, ok := g.caches[0].Cached(token.Token)
			assert.False(t, ok)
			assert.True(t, fault.Is(g.resolve(t, 0, token.Token), fault.Unauthenticated))
		})
	}
}

// slow answers Resolve only when it is let go, with what was true before.
type slow struct {
	*gatewaytest.Sessions
	asked, release chan struct{}
}

func (s slow) Resolve(ctx context.Context, r sessions.ResolveRequest) (sessions.Resolved, error) {
	resolved, err := s.Sessions.Resolve(ctx, r)
	close(s.asked)
	<-s.release
	return resolved, err
}

func TestAnAnswerThatWasOvertakenByTheEndDoesNotCount(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	service := slow{gatewaytest.NewSessions(clock), make(chan struct{}), make(chan struct{})}
	c := sessioncache.New(sessioncache.Options{Sessions: service, Clock: clock, Obs: obs.Nop(), Size: 10, Poll: poll})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, c.Run(ctx)) })
	defer running.Wait()
	defer stop()
	<-service.Polled()
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))

	token := service.Open(sessions.ScopeFull, nil)
	resolved := make(chan error)
	go func() {
		_, err := c.Resolve(ctx, token.Token)
		resolved <- err
	}()
	<-service.asked
	_, err := service.End(ctx, sessions.EndRequest{Session: token.Session.ID})
	require.NoError(t, err)
	clock.Advance(poll)
	<-service.Polled()
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
	close(service.release)
	require.NoError(t, <-resolved, "it was alive when it was asked about")

	_, ok := c.Cached(token.Token)
	assert.False(t, ok)
}

// slowFeed answers after some time, with what was true when it was asked.
type slowFeed struct {
	*gatewaytest.Sessions
	clock *clockwork.FakeClock
	takes time.Duration
}

func (s slowFeed) Revocations(ctx context.Context, r sessions.RevocationsRequest) (sessions.Revocations, error) {
	answer, err := s.Sessions.Revocations(ctx, r)
	s.clock.Advance(s.takes)
	return answer, err
}

func TestTheFeedIsAsOldAsItsQuestion(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClock()
	service := slowFeed{gatewaytest.NewSessions(clock), clock, 700 * time.Millisecond}
	c := sessioncache.New(sessioncache.Options{Sessions: service, Clock: clock, Obs: obs.Nop(), Size: 10, Poll: time.Hour})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, c.Run(ctx)) })
	defer running.Wait()
	defer stop()
	<-service.Polled()

	token := service.Open(sessions.ScopeFull, nil).Token
	_, err := c.Resolve(ctx, token)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // until the answer has been taken in
		_, ok := c.Cached(token)
		return ok
	}, 10*time.Second, time.Millisecond)
	clock.Advance(300 * time.Millisecond)
	_, ok := c.Cached(token)
	assert.True(t, ok, "a second after the question")
	clock.Advance(time.Millisecond)
	_, ok = c.Cached(token)
	assert.False(t, ok, "although the answer came later")
}

func TestATokenIsNotRememberedBeyondItsLife(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	token := g.sessions.Open(sessions.ScopeFull, nil)
	left := token.ExpirationTime.Sub(g.clock.Now())
	g.clock.Advance(left - time.Second)
	g.settle(t)
	require.NoError(t, g.resolve(t, 0, token.Token))

	g.clock.Advance(time.Second)
	_, ok := g.caches[0].Cached(token.Token)
	assert.False(t, ok)
}

func TestATokenIsAskedAboutOnceAMinute(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	token := g.sessions.Open(sessions.ScopeFull, nil).Token
	for range 2 {
		require.NoError(t, g.resolve(t, 0, token))
		g.clock.Advance(time.Minute)
		g.settle(t)
	}
	assert.Equal(t, 2, g.sessions.Calls("Resolve"))
}

func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	var tokens []string
	for range 500 {
		token := g.sessions.Open(sessions.ScopeFull, nil).Token
		tokens = append(tokens, token)
		require.NoError(t, g.resolve(t, 0, token))
	}
	// Entries leave in the background.
	assert.Eventually(t, func() bool {
		kept := 0
		for _, token := range tokens {
			if _, ok := g.caches[0].Cached(token); ok {
				kept++
			}
		}
		return kept > 0 && kept <= 100
	}, 10*time.Second, 5*time.Millisecond)
}

func TestRequestsAndRevocationsRace(t *testing.T) {
	t.Parallel()
	g := start(t, 2)
	var tokens []sessions.Token
	for range 50 {
		tokens = append(tokens, g.sessions.Open(sessions.ScopeFull, nil))
	}
	var all sync.WaitGroup
	for _, token := range tokens {
		all.Go(func() {
			for range 20 {
				_ = g.resolve(t, 0, token.Token) // either answer may be right now
			}
		})
		all.Go(func() {
			_, _ = g.sessions.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
			g.caches[0].Ended(token.Session.ID)
			assert.True(t, fault.Is(g.resolve(t, 0, token.Token), fault.Unauthenticated))
		})
	}
	all.Wait()
	g.clock.Advance(poll)
	g.settle(t)
	for _, token := range tokens {
		assert.True(t, fault.Is(g.resolve(t, 1, token.Token), fault.Unauthenticated))
	}
}

func TestAFloodOfAnnouncementsIsBounded(t *testing.T) {
	t.Parallel()
	g := start(t, 1)
	token := g.sessions.Open(sessions.ScopeFull, nil)
	require.NoError(t, g.resolve(t, 0, token.Token))
	made := make([]int64, 1000)
	for i := range int64(50) {
		for j := range made {
			made[j] = 1_000_000 + i*1000 + int64(j)
		}
		g.caches[0].Announced(made, nil)
	}
	g.caches[0].Announced([]int64{token.Session.ID}, nil)
	_, known := g.caches[0].Cached(token.Token)
	assert.True(t, known, "no announcement is heeded any more")
	g.caches[0].Told([]int64{token.Session.ID}, nil)
	_, known = g.caches[0].Cached(token.Token)
	assert.False(t, known, "but what the gateway knows itself")
}
