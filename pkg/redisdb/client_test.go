package redisdb_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gatehouse-id/gatehouse/pkg/redisdb"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const long = time.Minute // for what happens at once

func open(t *testing.T, o redisdb.Options) *redisdb.Client {
	t.Helper()
	client := redisdb.New(o)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return client
}

// several makes a client keep n connections.
func several(t *testing.T, redis *miniredis.Miniredis, n int) *redisdb.Client {
	t.Helper()
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long})
	var together, done sync.WaitGroup
	together.Add(n)
	redis.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "PING" {
			together.Done()
			together.Wait()
		}
		return false
	})
	for range n {
		done.Go(func() { assert.NoError(t, client.Ping(t.Context())) })
	}
	done.Wait()
	redis.Server().SetPreHook(nil)
	require.Equal(t, n, redis.CurrentConnectionCount())
	return client
}

func TestScriptsAreSentOnce(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long})
	var sent atomic.Int64
	redis.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "EVAL" {
			sent.Add(1)
		}
		return false
	})
	add := redisdb.NewScript(`return {redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('GET', KEYS[1])}`)
	for _, want := range []int64{20, 40} {
		got, err := client.Run(t.Context(), add, "x", 20)
		require.NoError(t, err)
		assert.Equal(t, []int64{want, want}, got)
	}
	assert.EqualValues(t, 1, sent.Load())
	_, err := client.Run(t.Context(), redisdb.NewScript(`return 7`), "x")
	assert.Error(t, err, "one number")
}

func TestWhatBreaksWhileItIsNotUsedIsNoFailure(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	client := several(t, redis, 5)
	redis.Close()
	require.NoError(t, redis.Restart())
	for range 7 {
		require.NoError(t, client.Ping(t.Context()))
	}
	assert.Equal(t, 1, redis.TotalConnectionCount(), "the others were not tried")

	redis.Close()
	require.Error(t, client.Ping(t.Context()))
	require.NoError(t, redis.Restart())
	require.NoError(t, client.Ping(t.Context()))
}

func TestARefusalIsNotRepeated(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long})
	require.NoError(t, client.Ping(t.Context()))
	var asked atomic.Int64
	redis.Server().SetPreHook(func(peer *server.Peer, _ string, _ ...string) bool {
		asked.Add(1)
		peer.WriteError("LOADING Redis is loading the dataset in memory")
		return true
	})
	err := client.Publish(t.Context(), "news", []byte("x"))
	require.ErrorContains(t, err, "LOADING")
	assert.True(t, redisdb.Refused(err))
	assert.EqualValues(t, 1, asked.Load())
	redis.Server().SetPreHook(nil)
	require.NoError(t, client.Publish(t.Context(), "news", []byte("x")))
	assert.Equal(t, 1, redis.TotalConnectionCount(), "the connection is good")
}

func TestIntroduction(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	var name atomic.Value
	redis.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
		if command == "EVALSHA" {
			name.Store(peer.ClientName)
		}
		return false
	})
	client, err := (&redisdb.Config{URL: "redis://" + redis.Addr() + "/3"}).Open("gateway")
	require.NoError(t, err)
	defer func() { assert.NoError(t, client.Close()) }()
	_, err = client.Run(t.Context(), redisdb.NewScript(`return {redis.call('INCR', KEYS[1])}`), "x")
	require.NoError(t, err)
	assert.Equal(t, "gatehouse-gateway", name.Load())
	assert.Equal(t, []string{"x"}, redis.DB(3).Keys())

	unnamed := open(t, redisdb.Options{Address: redis.Addr(), Name: "not a name", Patience: long})
	require.NoError(t, unnamed.Ping(t.Context()), "that the name is refused is no harm")
	nowhere := open(t, redisdb.Options{Address: redis.Addr(), Database: 1000, Patience: long})
	redis.RequireAuth("hunter2")
	err = nowhere.Ping(t.Context())
	assert.True(t, redisdb.Refused(err), "%v", err)
	stranger := open(t, redisdb.Options{Address: redis.Addr(), Password: "hunter3", Patience: long})
	err = stranger.Ping(t.Context())
	assert.True(t, redisdb.Refused(err), "%v", err)
	require.NoError(t, open(t, redisdb.Options{Address: redis.Addr(), Password: "hunter2", Patience: long}).Ping(t.Context()))
}

func TestTLS(t *testing.T) {
	t.Parallel()
	authority := testkit.CA(t)
	files := authority.Issue("")
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	require.NoError(t, err)
	redis, err := miniredis.RunTLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13})
	require.NoError(t, err)
	defer redis.Close()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(authority.PEM()))

	trusting := func(host string) error {
		client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long, TLS: &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}})
		return client.Ping(t.Context())
	}
	require.NoError(t, trusting("localhost"))
	var wrong x509.HostnameError
	require.ErrorAs(t, trusting("redis.example.org"), &wrong)

	stranger, err := (&redisdb.Config{URL: "rediss://" + redis.Addr()}).Open("gateway")
	require.NoError(t, err)
	defer func() { assert.NoError(t, stranger.Close()) }()
	assert.EventuallyWithT(t, func(c *assert.CollectT) { // to find the system's authorities takes a moment
		assert.ErrorContains(c, stranger.Ping(t.Context()), "certificate")
	}, long, time.Millisecond)
}

// silent is a server that accepts and never answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	return listener.Addr().String()
}

func TestNobodyWaitsForLong(t *testing.T) {
	t.Parallel()
	address := silent(t)
	for name, o := range map[string]redisdb.Options{
		"an answer":       {Address: address},
		"an introduction": {Address: address, Password: "hunter2"},
		"a handshake":     {Address: address, TLS: &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 20 * time.Second
			started := time.Now()
			err := open(t, o).Ping(t.Context())
			require.Error(t, err)
			assert.False(t, redisdb.Refused(err))
			_, err = open(t, o).Subscribe(t.Context(), "news")
			require.Error(t, err)

			o.Patience = time.Hour // and so the caller's counts
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			require.Error(t, open(t, o).Ping(ctx))
			assert.Less(t, time.Since(started), limit)
		})
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	most := 10 * runtime.GOMAXPROCS(0)
	redis := miniredis.RunT(t)
	client := open(t, redisdb.Options{Address: redis.Addr(), Patience: long})
	var waiting atomic.Int64
	goOn := make(chan struct{})
	redis.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "PING" {
			waiting.Add(1)
			<-goOn
		}
		return false
	})
	var all sync.WaitGroup
	for range most + 5 {
		all.Go(func() { assert.NoError(t, client.Ping(t.Context())) })
	}
	assert.Eventually(t, func() bool { return waiting.Load() == int64(most) }, long, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, client.Ping(ctx), context.DeadlineExceeded)
	assert.EqualValues(t, most, waiting.Load())
	close(goOn)
	all.Wait()
	assert.Equal(t, most, redis.TotalConnectionCount())
}

func TestAClosedClientFails(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	client := redisdb.New(redisdb.Options{Address: redis.Addr(), Patience: long})
	require.NoError(t, client.Ping(t.Context()))
	require.NoError(t, client.Close())
	require.Error(t, client.Ping(t.Context()))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, client.Ping(over), context.Canceled)
	require.Eventually(t, func() bool { return redis.CurrentConnectionCount() == 0 }, long, time.Millisecond)
}
