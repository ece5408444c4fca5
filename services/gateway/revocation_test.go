package gateway_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// run runs the gateway's background work until the test ends.
func (s *stage) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, s.Run(ctx)) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	<-s.sessions.Polled()
	require.NoError(t, s.clock.BlockUntilContext(t.Context(), 1))
}

// tick lets one poll happen.
func (s *stage) tick(t *testing.T) {
	t.Helper()
	s.clock.Advance(400 * time.Millisecond)
	<-s.sessions.Polled()
	require.NoError(t, s.clock.BlockUntilContext(t.Context(), 1))
}

func TestASessionThatEndsElsewhereIsRefusedWithinASecond(t *testing.T) {
	t.Parallel()
	here := newStage(t)
	here.run(t)
	// Another gateway in front of the same services.
	there := newStage(t, func(_ *gateway.Config, s *stage) {
		s.clock, s.sessions, s.accounts = here.clock, here.sessions, here.accounts
	})
	token := here.full()
	ask := request{method: http.MethodGet, path: "/v1/auth", token: token}
	for range 3 {
		here.do(t, ask).succeeds(http.StatusOK)
	}
	assert.Equal(t, 1, here.sessions.Calls("Resolve"), "it is cached")

	there.do(t, request{method: http.MethodDelete, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
	there.do(t, ask).fails(http.StatusUnauthorized)
	here.tick(t)
	here.do(t, ask).fails(http.StatusUnauthorized)
}

func TestAStalledFeedMakesEveryTokenBeAskedAbout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(t)
	token := s.sessions.Open(sessions.ScopeFull, nil)
	ask := request{method: http.MethodGet, path: "/v1/auth", token: token.Token}
	s.do(t, ask).succeeds(http.StatusOK)

	s.sessions.Fail("Revocations", fault.New(fault.Unavailable, ""))
	_, err := s.sessions.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
	require.NoError(t, err)
	s.clock.Advance(time.Second + time.Millisecond)
	s.do(t, ask).fails(http.StatusUnauthorized)
}

func TestSessionsAwayIsNoLogout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(t)
	ask := request{method: http.MethodGet, path: "/v1/auth", token: s.full()}
	s.do(t, ask).succeeds(http.StatusOK)
	s.sessions.Away()
	s.clock.Advance(2 * time.Second)
	s.do(t, ask).fails(http.StatusServiceUnavailable)
}

// Otherwise the status would tell a right password from a wrong one.
func TestSessionsAwayTellsNothingOfPasswords(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(t)
	s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).succeeds(http.StatusOK)
	assert.Equal(t, 1, s.sessions.Calls("Revocations"), "the feed's own question is enough")

	s.sessions.Away()
	s.clock.Advance(time.Second + time.Millisecond)
	checked := len(s.accounts.Authenticated)
	for _, body := range []string{login, `{"user": "` + gatewaytest.Email + `", "password": "wrong"}`} {
		s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: body}).fails(http.StatusServiceUnavailable)
	}
	assert.Len(t, s.accounts.Authenticated, checked)
}

func TestManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	s.run(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			token := s.full()
			s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
			s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).succeeds(http.StatusOK)
			s.do(t, request{method: http.MethodDelete, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
			s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).fails(http.StatusUnauthorized)
		})
	}
	all.Wait()
}
