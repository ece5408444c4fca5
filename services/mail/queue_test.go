package mail

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/mail/internal/smtp"
)

// silence is an SMTP server that takes connections and says nothing.
type silence struct {
	net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newSilence(t *testing.T) *silence {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &silence{Listener: listener}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() { s.stop(); <-done })
	return s
}

func (s *silence) port() int {
	_, port, _ := net.SplitHostPort(s.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}

func (s *silence) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// stop breaks the connections, so that nobody waits any more.
func (s *silence) stop() {
	_ = s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
}

// A code by SMS is asked for exactly when mails do not arrive.
func TestSilentMailServerHoldsUpNoSMS(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, mail.Name, Migrations, func(t *testing.T, d *db.DB) {
		server, g := newSilence(t), newGateway(t)
		f := newFixture(t, d, Config{
			SMTP: SMTP{Host: "127.0.0.1", Port: server.port(), TLS: smtp.None, From: "no-reply@id.example.org", Timeout: maxTimeout},
			SMS:  SMS{URL: g.URL, Token: "geheim"},
		})
		for i := range 20 {
			f.send(activation("mail " + strconv.Itoa(i)))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		require.Eventually(t, func() bool { return server.held() >= 4 }, 20*time.Second, time.Millisecond, "mails are being tried")

		f.send(texting("code"))
		assert.Eventually(t, func() bool { return f.texted(stateSent) == 1 }, 20*time.Second, time.Millisecond)
		assert.Len(t, g.got(), 1)
		assert.Zero(t, f.counted(stateDeferred), "all attempts at mails still hang")

		cancel()
		server.stop()
		require.NoError(t, <-done)
	})
}

// A dead SMS is listed and tried again by the same commands as a mail.
func TestDeadSMSIsTriedAgain(t *testing.T) {
	onEachGateway(t, []int{422}, func(t *testing.T, f *fixture, g *gateway) {
		f.send(texting("a"))
		f.drain()
		require.Len(t, f.dead(), 1)
		_, err := f.Retry(t.Context(), retry(f.dead()[0].ID))
		require.NoError(t, err)
		f.drain()
		assert.Len(t, g.got(), 2)
		assert.Empty(t, f.dead())
		assert.Equal(t, 1, f.texted(stateSent))
	})
}
