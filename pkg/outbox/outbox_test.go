package outbox_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestDeliversWhatWasCommittedAndWipesIt(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle)
		b.run(t)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "welcome-1", Payload: []byte("hello")})

		got := inbox.next(t)
		assert.Positive(t, got.ID)
		got.ID = 0
		assert.Equal(t, outbox.Delivery{
			Topic: "mail", Key: "welcome-1", Payload: []byte("hello"), Attempt: 1, Created: b.clock.Now().UTC(),
		}, got)
		eventually(t, func() bool { return b.row(t, "welcome-1") == "delivered 1 false" })
	})
}

func TestARollbackDeliversNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle)
		err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			require.NoError(t, b.Add(ctx, tx, outbox.Message{Topic: "mail", Key: "a"}))
			return errAway
		})
		require.ErrorIs(t, err, errAway)
		b.drain(t)
		assert.Zero(t, inbox.count())
	})
}

func TestAddRefusesWhatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.OpenDB(t, db.SQLite, "shop", migrations), newInbox().handle)
	for name, m := range map[string]outbox.Message{
		"a topic without a handler": {Topic: "fax", Key: "a"},
		"no key":                    {Topic: "mail"},
		"a key that is no text":     {Topic: "mail", Key: "a\xff"},
		"a key PostgreSQL refuses":  {Topic: "mail", Key: "a\x00b"},
	} {
		require.Error(t, b.add(t.Context(), m), name)
	}
}

func TestAKeyIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle, func(o *outbox.Options) { o.Retention = time.Hour })
		a := outbox.Message{Topic: "mail", Key: "a", Payload: []byte("first")}
		again := outbox.Message{Topic: "mail", Key: "a", Payload: []byte("second")}
		other := outbox.Message{Topic: "revoke", Key: "a", Payload: []byte("another topic")}

		b.mustAdd(t, a, again)
		b.mustAdd(t, again, other)
		b.drain(t)
		require.Equal(t, 2, inbox.count())
		assert.Equal(t, "first", string(inbox.got[0].Payload))
		assert.Equal(t, "another topic", string(inbox.got[1].Payload))

		b.clock.Advance(time.Hour - time.Microsecond)
		b.mustAdd(t, again)
		b.drain(t)
		require.NoError(t, b.Prune(t.Context()))
		b.mustAdd(t, again)
		b.drain(t)
		assert.Equal(t, 2, inbox.count(), "within the retention")

		b.clock.Advance(2 * time.Microsecond)
		require.NoError(t, b.Prune(t.Context()))
		b.mustAdd(t, again)
		b.drain(t)
		assert.Equal(t, 3, inbox.count(), "after the retention the key is new")
	})
}

func TestAKeyAddedBySeveralAtOnceIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle)
		g, ctx := errgroup.WithContext(t.Context())
		for range 8 {
			g.Go(func() error { return b.add(ctx, outbox.Message{Topic: "mail", Key: "a"}) })
		}
		require.NoError(t, g.Wait())
		b.drain(t)
		assert.Equal(t, 1, inbox.count())
	})
}

func TestPruneLeavesWhatIsNotDelivered(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, newInbox(nil, outbox.Permanent(errAway), errAway).handle,
			func(o *outbox.Options) { o.Retention, o.DeadRetention = time.Hour, 3*time.Hour })
		for _, key := range []string{"delivered", "dead", "pending"} {
			b.mustAdd(t, outbox.Message{Topic: "mail", Key: key})
			b.drain(t)
		}
		b.clock.Advance(2 * time.Hour)
		require.NoError(t, b.Prune(t.Context()))
		var left int
		require.NoError(t, d.QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&left))
		assert.Equal(t, 2, left)
		assert.Equal(t, "dead 1 true", b.row(t, "dead"))
		assert.Equal(t, "pending 1 true", b.row(t, "pending"))

		b.clock.Advance(time.Hour)
		require.NoError(t, b.Prune(t.Context()))
		assert.Equal(t, "dead 1 true", b.row(t, "dead"), "an operator may still retry it")
		b.clock.Advance(time.Microsecond)
		require.NoError(t, b.Prune(t.Context()))
		dead, err := b.Dead(t.Context(), 10)
		require.NoError(t, err)
		assert.Empty(t, dead)
		assert.Equal(t, "pending 1 true", b.row(t, "pending"))
	})
}

func TestThePayloadIsSealedWhileItIsStored(t *testing.T) {
	t.Parallel()
	const secret = "https://example.test/reset?token=hunter2"
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		inbox := newInbox()
		b := newBench(t, d, inbox.handle)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a", Payload: []byte(secret)},
			outbox.Message{Topic: "mail", Key: "b", Payload: []byte("other")})

		var stored []byte
		require.NoError(t, d.QueryRow(t.Context(), "SELECT payload FROM outbox WHERE key = 'a'").Scan(&stored))
		assert.NotEmpty(t, stored)
		assert.NotContains(t, string(stored), "hunter2")

		// A sealed payload is worth nothing in another message.
		_, err := d.Exec(t.Context(), "UPDATE outbox SET payload = $1 WHERE key = 'b'", stored)
		require.NoError(t, err)
		b.drain(t)
		assert.Equal(t, 1, inbox.count())
		assert.Equal(t, secret, string(inbox.got[0].Payload))
		assert.Equal(t, "pending 1 true", b.row(t, "b"))
	})
}

func TestNothingInTheFileIsInClear(t *testing.T) {
	t.Parallel()
	url := testkit.DatabaseURL(t, db.SQLite)
	d, err := db.Open(t.Context(), url, db.Options{Service: "shop", Migrations: migrations})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	require.NoError(t, d.Migrate(t.Context()))
	b := newBench(t, d, newInbox().handle)
	b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a-key-in-clear", Payload: []byte("hunter2")})
	b.drain(t)

	files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*")
	require.NoError(t, err)
	var all bytes.Buffer
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	assert.Contains(t, all.String(), "a-key-in-clear", "or this test looks in the wrong place")
	assert.NotContains(t, all.String(), "hunter2")
}

func TestRetryOfWhatIsNotDead(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "shop", migrations, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, newInbox().handle)
		b.mustAdd(t, outbox.Message{Topic: "mail", Key: "a"})
		for _, id := range []int64{1, 4711} {
			err := b.Retry(t.Context(), id)
			assert.True(t, fault.Is(err, fault.NotFound), "%v", err)
		}
	})
}
