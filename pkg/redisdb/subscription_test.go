package redisdb_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
)

func TestAQuietSubscriptionStays(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	var probed atomic.Int64
	redis.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "PING" && probed.Add(1) == 3 { // longer than it would wait without an answer
			redis.Publish("news", "good")
		}
		return false
	})
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long, Quiet: 500 * time.Millisecond})
	subscription, err := client.Subscribe(t.Context(), "news")
	require.NoError(t, err)
	defer subscription.Close()
	message, err := subscription.Receive()
	require.NoError(t, err)
	assert.Equal(t, "good", string(message))
	assert.GreaterOrEqual(t, probed.Load(), int64(3))
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long, Quiet: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	subscription, err := client.Subscribe(ctx, "news")
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := subscription.Receive()
		ended <- err
	}()
	cancel()
	require.Error(t, <-ended)
	subscription.Close()
	require.Eventually(t, func() bool { return redis.CurrentConnectionCount() == 0 }, long, time.Millisecond)
}

func TestASubscriptionMayBeRefused(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	redis.SetError("NOPERM No permissions to access a channel")
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long})
	_, err := client.Subscribe(t.Context(), "news")
	require.ErrorContains(t, err, "NOPERM")
	assert.True(t, redisdb.Refused(err))
	require.Eventually(t, func() bool { return redis.CurrentConnectionCount() == 0 }, long, time.Millisecond)
}

// TestASubscriptionWhoseRedisIsGoneIsNoticed is with one that confirms and then says
// nothing, as behind a network that has forgotten the connection.
func TestASubscriptionWhoseRedisIsGoneIsNoticed(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { assert.NoError(t, listener.Close()) }()
	gone := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			close(gone)
			return
		}
		_, _ = conn.Write([]byte("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"))
		heard, _ := io.ReadAll(conn)
		_ = conn.Close()
		gone <- heard
	}()
	client := open(t, redisdb.Options{Address: listener.Addr().String(), Patience: long, Quiet: 100 * time.Millisecond})
	subscription, err := client.Subscribe(t.Context(), "news")
	require.NoError(t, err)
	defer subscription.Close()
	_, err = subscription.Receive()
	require.Error(t, err)
	assert.False(t, redisdb.Refused(err))
	assert.Contains(t, string(<-gone), "PING", "it was probed")
}
