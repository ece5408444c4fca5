package keyring_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// between does something once, when a replica has read the keys and is about to change
// them.
type between struct {
	once sync.Once
	do   func()
}

func (b *between) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	if s.Name() == "BEGIN keys" {
		b.once.Do(b.do)
	}
}

func (*between) OnEnd(sdktrace.ReadOnlySpan)      {}
func (*between) Shutdown(context.Context) error   { return nil }
func (*between) ForceFlush(context.Context) error { return nil }

// race is two replicas, of which the other one changes the keys while this one does.
func race(t *testing.T, test func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context)) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			url, b := testkit.DatabaseURL(t, dialect), &between{}
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(b))
			open := func(o db.Options) *db.DB {
				o.Service, o.Migrations = "keys", schema
				d, err := db.Open(t.Context(), url, o)
				require.NoError(t, err)
				t.Cleanup(func() { assert.NoError(t, d.Close()) })
				return d
			}
			f := &fixture{db: open(db.Options{}), clock: testkit.Clock(), ring: testkit.Ring(t)}
			require.NoError(t, f.db.Migrate(t.Context()))
			other := f.replica(t)
			f.db = open(db.Options{Tracer: provider})
			this := f.replica(t)
			test(t, f, this, other, func(do func(context.Context) error) context.Context {
				b.do = func() { assert.NoError(t, do(t.Context())) }
				ctx, span := provider.Tracer("test").Start(t.Context(), "this")
				t.Cleanup(func() { span.End() })
				return ctx
			})
			require.NoError(t, provider.Shutdown(context.Background()))
		})
	}
}

// recorded counts how often a change was made.
func recorded(times *int) keyring.Within {
	return func(_ context.Context, _ *db.Tx) error { *times++; return nil }
}

func TestRotatingWhileAnotherReplicaPublishes(t *testing.T) {
	race(t, func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context) {
		first, records := signing(t, this).ID, 0
		f.clock.Advance(rotate - publish)
		ctx := meanwhile(other.Maintain)
		require.NoError(t, this.RotateAt(ctx, f.clock.Now(), recorded(&records)))
		assert.NotEqual(t, first, signing(t, this).ID, "a new key signs now, as it said")
		assert.Equal(t, 2, f.rows(t), "the one that was published")
		assert.Equal(t, 1, records)
	})
}

func TestRotatingWhileAnotherReplicaRotates(t *testing.T) {
	race(t, func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context) {
		first, records := signing(t, this).ID, 0
		ctx := meanwhile(func(ctx context.Context) error { return other.RotateAt(ctx, f.clock.Now(), recorded(&records)) })
		require.NoError(t, this.RotateAt(ctx, f.clock.Now(), recorded(&records)))
		assert.NotEqual(t, first, signing(t, this).ID)
		assert.Equal(t, 2, f.rows(t), "once is enough for both")
		assert.Equal(t, 1, records)
	})
}

// Both bring the key forward that is published already.
func TestRotatingWhileAnotherReplicaRotatesToThePublished(t *testing.T) {
	race(t, func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context) {
		first, records := signing(t, this).ID, 0
		f.clock.Advance(rotate - publish)
		require.NoError(t, other.Maintain(t.Context()))
		ctx := meanwhile(func(ctx context.Context) error { return other.RotateAt(ctx, f.clock.Now(), recorded(&records)) })
		require.NoError(t, this.RotateAt(ctx, f.clock.Now(), recorded(&records)))
		assert.NotEqual(t, first, signing(t, this).ID)
		assert.Equal(t, 2, f.rows(t), "nothing that apps have not seen signs")
		assert.Equal(t, 1, records)
	})
}

func TestRevokingWhileAnotherReplicaPublishes(t *testing.T) {
	race(t, func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context) {
		oldest := signing(t, this).ID
		require.NoError(t, other.Rotate(t.Context()))
		f.clock.Advance(rotate - publish)
		leaked := signing(t, this).ID
		require.NotEqual(t, oldest, leaked)
		_, err := f.db.Exec(t.Context(), "UPDATE signing_keys SET expires_at = NULL WHERE id = $1", oldest) // it verifies still
		require.NoError(t, err)
		ctx := meanwhile(other.Maintain)
		require.NoError(t, this.Revoke(ctx, leaked))
		assert.NotContains(t, []string{oldest, leaked}, signing(t, this).ID, "no older key signs again")
		assert.False(t, verifies(t, this, leaked))
		assert.Equal(t, 3, f.rows(t), "the published one stepped in")
	})
}

func TestRevokingWhileAnotherReplicaRevokes(t *testing.T) {
	race(t, func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context) {
		leaked := signing(t, this).ID
		ctx := meanwhile(func(ctx context.Context) error { return other.Revoke(ctx, leaked) })
		require.NoError(t, this.Revoke(ctx, leaked))
		assert.NotEqual(t, leaked, signing(t, this).ID)
		assert.False(t, verifies(t, this, leaked))
		assert.Equal(t, 2, f.rows(t), "one replacement")
	})
}

// TestAdvancingBringsNoRevokedKeyBack has the time of this replica's order lie before
// the revocation.
func TestAdvancingBringsNoRevokedKeyBack(t *testing.T) {
	race(t, func(t *testing.T, f *fixture, this, other *keyring.Keys, meanwhile func(func(context.Context) error) context.Context) {
		f.clock.Advance(rotate - publish)
		require.NoError(t, other.Maintain(t.Context())) // the next one is there
		leaked, from := signing(t, this).ID, f.clock.Now()
		f.clock.Advance(time.Second)
		ctx := meanwhile(func(ctx context.Context) error { return other.Revoke(ctx, leaked) })
		require.NoError(t, this.RotateAt(ctx, from))
		assert.False(t, verifies(t, this, leaked))
	})
}

// TestManyRotateAndRevoke ends with a key that signs, whoever was first.
func TestManyRotateAndRevoke(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		leaked := signing(t, f.replica(t)).ID
		var done sync.WaitGroup
		for i := range 6 {
			keys := f.replica(t)
			done.Go(func() {
				if i%2 == 0 {
					assert.NoError(t, keys.Revoke(t.Context(), leaked))
				} else {
					assert.NoError(t, keys.Rotate(t.Context()))
				}
			})
		}
		done.Wait()
		keys := f.replica(t)
		assert.NotEqual(t, leaked, signing(t, keys).ID)
		assert.False(t, verifies(t, keys, leaked))
	})
}
