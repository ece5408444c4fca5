package outbox_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// victimURL makes the test binary a worker that never finishes its delivery.
const victimURL = "OUTBOX_TEST_VICTIM_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(victimURL); url != "" {
		fmt.Println("victim ended:", beVictim(url))
		os.Exit(1)
	}
	testkit.Main(m)
}

// realOutbox runs on the real clock, in this process or another.
func realOutbox(ctx context.Context, url string, handler outbox.Handler) (*db.DB, *outbox.Outbox, error) {
	d, err := db.Open(ctx, url, db.Options{Service: "shop", Migrations: migrations})
	if err != nil {
		return nil, nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		return d, nil, err
	}
	root := sha256.Sum256([]byte("known to both processes"))
	ring, err := keyring.NewRing(root[:])
	if err != nil {
		return d, nil, err
	}
	return d, outbox.New(outbox.Options{
		DB: d, Ring: ring, Clock: clockwork.NewRealClock(),
		Lease: 900 * time.Millisecond, Poll: 50 * time.Millisecond,
		Handlers: map[string]outbox.Handler{"mail": handler},
	}), nil
}

func beVictim(url string) error {
	_, worker, err := realOutbox(context.Background(), url, func(context.Context, outbox.Delivery) error {
		fmt.Println("delivering")
		select {}
	})
	if err != nil {
		return err
	}
	return worker.Run(context.Background())
}

func TestAMessageSurvivesKill9(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			url := testkit.DatabaseURL(t, dialect)
			inbox := newInbox()
			d, survivor, err := realOutbox(t.Context(), url, inbox.handle)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, d.Close()) })
			require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				return survivor.Add(ctx, tx, outbox.Message{Topic: "mail", Key: "a", Payload: []byte("kept")})
			}))

			killWhileDelivering(t, url)
			require.NoError(t, survivor.Drain(t.Context()))
			assert.Zero(t, inbox.count(), "the lease is still there")

			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- survivor.Run(ctx) }()
			got := inbox.next(t)
			assert.Equal(t, "kept", string(got.Payload))
			assert.Equal(t, 2, got.Attempt)
			cancel()
			require.NoError(t, receive(t, done))
		})
	}
}

func killWhileDelivering(t *testing.T, url string) {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), victimURL+"="+url)
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "delivering", strings.TrimSpace(line))
	require.NoError(t, victim.Process.Kill())
	require.Error(t, victim.Wait())
}
