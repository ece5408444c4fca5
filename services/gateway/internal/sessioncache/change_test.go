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

// moving is a sessions service whose sessions change hubs, which voids the
// tokens from before.
type moving struct {
	*gatewaytest.Sessions

	mu      sync.Mutex
	void    map[string]bool
	changes []sessions.Change
	// hold stops answers of Resolve until it is closed; nil: it does not.
	hold, held chan struct{}
}

func (m *moving) move(token sessions.Token, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.void[token.Token] = true
	m.changes = append(m.changes, sessions.Change{Session: token.Session.ID, Time: at})
}

func (m *moving) Resolve(ctx context.Context, r sessions.ResolveRequest) (sessions.Resolved, error) {
	m.mu.Lock()
	void, hold := m.void[r.Token], m.hold
	m.mu.Unlock()
	if hold != nil {
		close(m.held)
		<-hold
	}
	if void {
		return sessions.Resolved{}, fault.New(fault.Unauthenticated, "fault.session_expired")
	}
	return m.Sessions.Resolve(ctx, r)
}

// Revocations repeats all changes each time.
func (m *moving) Revocations(ctx context.Context, r sessions.RevocationsRequest) (sessions.Revocations, error) {
	m.mu.Lock()
	changes := append([]sessions.Change(nil), m.changes...)
	m.mu.Unlock()
	answer, err := m.Sessions.Revocations(ctx, r)
	answer.Changed = changes
	return answer, err
}

// withMoves is one gateway in front of such a service.
func withMoves(t *testing.T) (gateways, *moving) {
	t.Helper()
	clock := clockwork.NewFakeClock()
	m := &moving{Sessions: gatewaytest.NewSessions(clock), void: map[string]bool{}}
	c := sessioncache.New(sessioncache.Options{Sessions: m, Clock: clock, Obs: obs.Nop(), Size: 100, Poll: poll})
	g := gateways{clock: clock, sessions: m.Sessions, caches: []*sessioncache.Cache{c}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, c.Run(ctx)) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	g.settle(t)
	return g, m
}

func (g gateways) poll(t *testing.T) {
	t.Helper()
	g.clock.Advance(poll)
	g.settle(t)
}

func TestATokenFromBeforeAChangeIsRefusedWithinTheBound(t *testing.T) {
	t.Parallel()
	g, m := withMoves(t)
	old, bystander := m.Open(sessions.ScopeFull, nil), m.Open(sessions.ScopeFull, nil)
	require.NoError(t, g.resolve(t, 0, old.Token))
	require.NoError(t, g.resolve(t, 0, bystander.Token))

	m.move(old, g.clock.Now())
	g.poll(t)
	assert.True(t, fault.Is(g.resolve(t, 0, old.Token), fault.Unauthenticated))
	_, ok := g.caches[0].Cached(bystander.Token)
	assert.True(t, ok)
}

func TestAChangeThatIsRepeatedIsNoNews(t *testing.T) {
	t.Parallel()
	g, m := withMoves(t)
	old := m.Open(sessions.ScopeFull, nil)
	m.move(old, g.clock.Now())
	g.poll(t)
	next, err := m.Refresh(t.Context(), sessions.RefreshRequest{Token: old.Token})
	require.NoError(t, err)
	require.Equal(t, old.Session.ID, next.Session.ID)
	require.NoError(t, g.resolve(t, 0, next.Token))
	for range 5 {
		_, ok := g.caches[0].Cached(next.Token)
		require.True(t, ok)
		g.poll(t)
	}

	m.move(next, g.clock.Now())
	g.poll(t)
	assert.True(t, fault.Is(g.resolve(t, 0, next.Token), fault.Unauthenticated), "a further change is news")
}

func TestAChangeFromHereCountsAtOnce(t *testing.T) {
	t.Parallel()
	g, m := withMoves(t)
	first := m.Open(sessions.ScopeFull, nil)
	tokens := []sessions.Token{first}
	for range 3 { // within the same round of the feed
		last := tokens[len(tokens)-1]
		require.NoError(t, g.resolve(t, 0, last.Token))
		next, err := m.Refresh(t.Context(), sessions.RefreshRequest{Token: last.Token})
		require.NoError(t, err)
		m.move(last, g.clock.Now())
		g.caches[0].Changed(first.Session.ID)
		assert.True(t, fault.Is(g.resolve(t, 0, last.Token), fault.Unauthenticated))
		tokens = append(tokens, next)
	}
}

func TestAnAnswerThatWasOvertakenByAChangeDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, hear := range map[string]func(g gateways, session int64){
		"by the feed": func(g gateways, _ int64) { g.poll(t) },
		"from here":   func(g gateways, session int64) { g.caches[0].Changed(session) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, m := withMoves(t)
			token := m.Open(sessions.ScopeFull, nil)
			m.hold, m.held = make(chan struct{}), make(chan struct{})
			resolved := make(chan error)
			go func() {
				_, err := g.caches[0].Resolve(context.WithoutCancel(t.Context()), token.Token)
				resolved <- err
			}()
			<-m.held
			m.move(token, g.clock.Now())
			hear(g, token.Session.ID)
			close(m.hold)
			require.NoError(t, <-resolved, "it was good when it was asked about")
			_, ok := g.caches[0].Cached(token.Token)
			assert.False(t, ok)
		})
	}
}

func TestAChangeIsForgottenInTime(t *testing.T) {
	t.Parallel()
	g, m := withMoves(t)
	token := m.Open(sessions.ScopeFull, nil)
	require.NoError(t, g.resolve(t, 0, token.Token))
	g.caches[0].Changed(token.Session.ID)
	for range 3 {
		g.clock.Advance(time.Minute)
		g.settle(t)
		_, ok := g.caches[0].Cached(token.Token)
		require.False(t, ok, "what was asked before never counts again")
	}
	require.NoError(t, g.resolve(t, 0, token.Token))
	_, ok := g.caches[0].Cached(token.Token)
	assert.True(t, ok)
}
