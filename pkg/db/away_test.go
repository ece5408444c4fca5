package db_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

var errEnough = errors.New("enough")

// line is the network between a service and PostgreSQL, and can be cut.
type line struct {
	server string // its socket

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
	mute  atomic.Bool // nothing arrives, and nobody says so
}

// newLine returns the URL to reach PostgreSQL at through the line.
func newLine(t *testing.T) (*line, string) {
	t.Helper()
	u, err := url.Parse(testkit.DatabaseURL(t, db.Postgres))
	require.NoError(t, err)
	l := &line{server: filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.connect(conn)
		}
	}()
	u.Host = listener.Addr().String()
	u.RawQuery = url.Values{"user": {u.Query().Get("user")}, "sslmode": {"disable"}}.Encode()
	return l, u.String()
}

func (l *line) connect(client net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	server, err := new(net.Dialer).DialContext(context.Background(), "unix", l.server)
	if err != nil || l.cut {
		_ = client.Close()
		return
	}
	l.conns = append(l.conns, client, server)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			_, _ = io.Copy(onLine{pair[0], l}, pair[1])
			_ = pair[0].Close()
		}()
	}
}

// onLine loses what is sent while the line is mute.
type onLine struct {
	net.Conn
	line *line
}

func (o onLine) Write(p []byte) (int, error) {
	if o.line.mute.Load() {
		return len(p), nil
	}
	return o.Conn.Write(p)
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for _, c := range l.conns {
			_ = c.Close()
		}
		l.conns = nil
	}
}

func TestALostConnectionIsUnavailableAndComesBack(t *testing.T) {
	t.Parallel()
	line, url := newLine(t)
	ctx := t.Context()
	d := open(t, url, items)
	require.NoError(t, d.Migrate(ctx))

	err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		require.NoError(t, insert(ctx, tx, "lost"))
		line.set(true)
		return insert(ctx, tx, "never")
	})
	assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)

	for name, attempt := range map[string]func() error{
		"ping":   func() error { return d.Ping(ctx) },
		"exec":   func() error { return insert(ctx, d, "a") },
		"select": func() error { return d.QueryRow(ctx, "SELECT 1").Scan(new(int)) },
		"begin":  func() error { return d.Tx(ctx, func(context.Context, *db.Tx) error { panic("not reached") }) },
	} {
		err := attempt()
		assert.True(t, fault.Is(err, fault.Unavailable), "%s: %v", name, err)
	}

	line.set(false)
	require.NoError(t, d.Ping(ctx))
	require.NoError(t, insert(ctx, d, "b"))
	assert.Equal(t, 1, count(t, d))
}

func TestAnIdleConnectionThatWasCutIsReplacedUnnoticed(t *testing.T) {
	t.Parallel()
	line, url := newLine(t)
	d := open(t, url, items)
	require.NoError(t, d.Migrate(t.Context()))
	line.set(true)
	line.set(false)
	// At worst the first statement finds the connection dead.
	if err := d.QueryRow(t.Context(), "SELECT 1").Scan(new(int)); err != nil {
		assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	}
	require.NoError(t, insert(t.Context(), d, "a"))
}

// TestWhatBeginsAndEndsATransactionIsBounded has a server that does not answer, as one
// whose disk hangs. The callers' contexts have no end.
func TestWhatBeginsAndEndsATransactionIsBounded(t *testing.T) {
	t.Parallel()
	for silent, fails := range map[string]bool{"begin": true, "commit": true, "rollback": false, "never": false} {
		t.Run(silent, func(t *testing.T) {
			t.Parallel()
			line, url := newLine(t)
			d := open(t, url, items)
			require.NoError(t, d.Migrate(t.Context()))
			d.SetLimit(200 * time.Millisecond)
			line.mute.Store(silent == "begin")
			ended := make(chan error, 1)
			go func() {
				ended <- d.Tx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
					err := insert(ctx, tx, "a")
					line.mute.Store(silent == "commit" || silent == "rollback")
					if silent == "rollback" {
						return errEnough
					}
					if silent == "never" { // what is in between has limits of its own
						return errors.Join(err, tx.QueryRow(ctx, "SELECT pg_sleep(0.5)").Scan(new(any)))
					}
					return err
				})
			}()
			select {
			case err := <-ended:
				assert.Equal(t, fails, fault.Is(err, fault.Unavailable), "%v", err)
				assert.Equal(t, silent == "rollback", errors.Is(err, errEnough), "%v", err)
			case <-time.After(20 * time.Second):
				t.Fatal("it waits for ever")
			}
			line.mute.Store(false)
			require.NoError(t, insert(t.Context(), d, "b"), "on another connection")
		})
	}
}

func TestOpenWithoutAServerIsUnavailableSoon(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() }) // it listens, and never says a word

	for name, c := range map[string]struct {
		address, parameters string
		timeout             time.Duration
	}{
		"nobody listens":                   {"127.0.0.1:1", "", time.Minute},
		"nobody answers":                   {listener.Addr().String(), "", 300 * time.Millisecond},
		"nobody answers, we have the time": {listener.Addr().String(), "?connect_timeout=1&sslmode=disable", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
			defer cancel()
			_, err := db.Open(ctx, "postgres://user:s3cret@"+c.address+"/shop"+c.parameters, db.Options{Service: "shop"})
			assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
			require.ErrorContains(t, err, c.address)
			assert.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestAStatementThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	d := open(t, testkit.DatabaseURL(t, db.Postgres)+"&statement_timeout=20&lock_timeout=10", items)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, insert(t.Context(), d, "a"))

	err := d.QueryRow(t.Context(), "SELECT pg_sleep(60)").Scan(new(any))
	assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)

	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE items SET n = 1")
		require.NoError(t, err)
		// As somebody else: a context without the transaction.
		_, err = d.Exec(context.Background(), "UPDATE items SET n = 2")
		assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		return nil
	}))
}

func TestAContextThatEndsStopsTheStatement(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", nil, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		err := d.QueryRow(ctx, `WITH RECURSIVE forever (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM forever)
			SELECT count(*) FROM forever`).Scan(new(int64))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, fault.Unavailable, fault.From(err).Kind)
		require.NoError(t, d.Ping(t.Context()))
	})
}

// TestADeadlockIsUnavailableAndNotTriedAgain has two transactions wait for each
// other. One is given up, whole, and it is its caller who knows whether it may be
// tried again.
func TestADeadlockIsUnavailableAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	d := open(t, testkit.DatabaseURL(t, db.Postgres)+"&deadlock_timeout=20ms", items)
	require.NoError(t, d.Migrate(t.Context()))
	for _, name := range []string{"a", "b"} {
		require.NoError(t, insert(t.Context(), d, name))
	}
	const touch = "UPDATE items SET n = n + 1 WHERE name = $1"
	var both, done sync.WaitGroup
	both.Add(2)
	var runs atomic.Int64
	results := make(chan error, 2)
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		done.Go(func() {
			results <- d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				runs.Add(1)
				if _, err := tx.Exec(ctx, touch, order[0]); err != nil {
					return err
				}
				both.Done()
				both.Wait()
				_, err := tx.Exec(ctx, touch, order[1])
				return err
			})
		})
	}
	done.Wait()
	first, second := <-results, <-results
	if first == nil {
		first, second = second, first
	}
	assert.True(t, fault.Is(first, fault.Unavailable), "%v", first)
	require.NoError(t, second)
	assert.EqualValues(t, 2, runs.Load())
	var sum int
	require.NoError(t, d.QueryRow(t.Context(), "SELECT SUM(n) FROM items").Scan(&sum))
	assert.Equal(t, 2, sum, "all of the one, and nothing of the other")
}

// TestAConflictOfSerializableTransactionsIsUnavailable is for databases that an
// operator has made stricter than Gatehouse needs.
func TestAConflictOfSerializableTransactionsIsUnavailable(t *testing.T) {
	t.Parallel()
	d := open(t, testkit.DatabaseURL(t, db.Postgres)+"&default_transaction_isolation=serializable", items)
	require.NoError(t, d.Migrate(t.Context()))
	require.NoError(t, insert(t.Context(), d, "a"))
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		var n int
		require.NoError(t, tx.QueryRow(ctx, "SELECT COUNT(*) FROM items").Scan(&n))
		// As somebody else: a context without the transaction.
		_, err := d.Exec(context.Background(), "UPDATE items SET n = 7 WHERE name = 'a'")
		require.NoError(t, err)
		_, err = tx.Exec(ctx, "UPDATE items SET n = 8 WHERE name = 'a'")
		return err
	})
	assert.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	var n int
	require.NoError(t, d.QueryRow(t.Context(), "SELECT n FROM items").Scan(&n))
	assert.Equal(t, 7, n)
}
