package gateway_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions/announce"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/services/gateway"
)

func withRedis(server *miniredis.Miniredis) option {
	return func(c *gateway.Config, _ *stage) { c.Redis.URL = "redis://" + server.Addr() }
}

func TestAnAnnouncedEndIsHeardBeforeTheNextPoll(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	s := newStage(t, withRedis(server))
	s.run(t)
	client := redisdb.New(redisdb.Options{Address: server.Addr(), Patience: time.Minute})
	defer func() { _ = client.Close() }()
	sender := announce.NewSender(client, clockwork.NewRealClock(), obs.Nop())
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, sender.Run(ctx)) })
	defer running.Wait()
	defer stop()
	require.Eventually(t, func() bool { return len(server.PubSubChannels("")) > 0 }, time.Minute, time.Millisecond)

	hub := int64(1)
	token := s.sessions.Open(sessions.ScopeFull, &hub)
	ask := request{method: http.MethodGet, path: "/v1/auth", token: token.Token}
	s.do(t, ask).succeeds(http.StatusOK)
	_, err := s.sessions.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
	require.NoError(t, err)
	s.do(t, ask).succeeds(http.StatusOK) // it is remembered

	sender.Send(announce.News{Ended: []int64{token.Session.ID}})
	require.Eventually(t, func() bool { return s.do(t, ask).Code == http.StatusUnauthorized }, time.Minute, time.Millisecond)
}

func TestGatewaysShareTheirLimits(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	few := func(c *gateway.Config, _ *stage) { c.RateAddress = 2 }
	here, there := newStage(t, withRedis(server), few), newStage(t, withRedis(server), few)
	wrong := request{method: http.MethodPost, path: "/v1/auth", body: `{"user":"nobody@example.org","password":"x"}`}
	for _, s := range []*stage{here, there} {
		assert.NotEqual(t, http.StatusTooManyRequests, s.do(t, wrong).Code)
	}
	for _, s := range []*stage{here, there} {
		a := s.do(t, wrong)
		a.fails(http.StatusTooManyRequests)
		assert.NotEmpty(t, a.Header().Get("Retry-After"))
	}
	server.Close()
	a := there.do(t, wrong)
	assert.NotEqual(t, http.StatusInternalServerError, a.Code, "without Redis it counts for itself")
	there.do(t, wrong).fails(http.StatusTooManyRequests)
}
