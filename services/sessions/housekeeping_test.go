package sessions

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

func (f *fixture) used(session int64) time.Time {
	f.t.Helper()
	return db.FromMicros(f.count(`SELECT COALESCE(MAX(used_time), 0) FROM session_uses WHERE session_id = $1`, session))
}

func TestUsesAreWrittenOncePerRound(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token, unused := f.open(login(olli, nil)), f.open(login(mia, nil))
		for range 3 {
			f.clock.Advance(time.Second)
			f.good(token)
		}
		last := f.clock.Now()
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM session_uses`), "resolving writes nothing")
		f.clock.Advance(time.Minute)
		f.housekeeping(t.Context())
		assert.True(t, f.used(token.Session.ID).Equal(last))
		assert.True(t, f.used(unused.Session.ID).Equal(time.UnixMicro(0)))

		f.exec(`UPDATE session_uses SET used_time = used_time - 1`)
		f.housekeeping(t.Context())
		assert.False(t, f.used(token.Session.ID).Equal(last), "nothing is written twice")
	})
}

func TestUseStaysTheLatest(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil)).Session.ID
		behind := f.replica()
		behind.uses.note(token, f.clock.Now().Add(-time.Second))
		behind.uses.note(token+1000, f.clock.Now()) // deleted meanwhile
		f.uses.note(token, f.clock.Now())
		f.writeUses(t.Context())
		behind.writeUses(t.Context())
		assert.True(t, f.used(token).Equal(f.clock.Now()))
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM session_uses`))
	})
}

func TestManyUsesInOneRound(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.exec(`INSERT INTO sessions (hash, user_id, user_hash, scope, remember, methods, address, user_agent,
				authenticated_time, created_time, expiration_time)
			SELECT CAST(n AS TEXT), 1, '', '*', FALSE, '[]', '', '', 0, 0, 0
			FROM (WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1001) SELECT n FROM r) AS numbers`)
		for id := range int64(1001) {
			f.uses.note(id+1, f.clock.Now())
		}
		f.writeUses(t.Context())
		assert.Equal(t, int64(1001), f.count(`SELECT COUNT(*) FROM session_uses`))
	})
}

func TestUsesAreBounded(t *testing.T) {
	t.Parallel()
	u := newUses()
	now := time.Unix(1, 0)
	for id := range int64(maxUses + 10) {
		u.note(id, now)
	}
	u.note(5, now.Add(time.Second))
	taken := u.take()
	assert.Len(t, taken, maxUses)
	assert.True(t, taken[5].Equal(now.Add(time.Second)), "a known session is still noted")
	assert.Empty(t, u.take())
}

func TestOldSessionsGo(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		remembered := login(olli, nil)
		remembered.Remember = true
		ended, alive := f.open(remembered), f.open(remembered)
		f.open(login(olli, nil))
		f.good(ended)
		_, err := f.End(t.Context(), sessions.EndRequest{Session: ended.Session.ID})
		require.NoError(t, err)

		f.clock.Advance(retention - time.Second)
		f.housekeeping(t.Context())
		require.Equal(t, int64(3), f.count(`SELECT COUNT(*) FROM sessions`))
		f.clock.Advance(2 * time.Second)
		f.housekeeping(t.Context())
		require.Equal(t, int64(2), f.count(`SELECT COUNT(*) FROM sessions`), "the ended one")
		require.Zero(t, f.count(`SELECT COUNT(*) FROM session_uses`))
		f.clock.Advance(time.Hour)
		f.housekeeping(t.Context())
		require.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM sessions`), "the expired one")
		f.good(alive)
	})
}

func TestRunKeepsHouseAndWritesUsesAtTheEnd(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil))
		stop := f.run()
		// Four wait for the clock when the first round is done: it, the keys and
		// the two of the outbox.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		require.NoError(t, f.clock.BlockUntilContext(ctx, 4))
		f.good(token)
		stop()
		assert.True(t, f.used(token.Session.ID).Equal(f.clock.Now()))
		assert.InDelta(t, 1, testutil.ToFloat64(f.metrics.active), 0)
	})
}

func TestMigrationsHaveTheTablesOfPackages(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"0002_signing_keys.sql": keyring.Schema, "0005_outbox.sql": outbox.Schema,
	} {
		text, err := fs.ReadFile(Migrations, name)
		require.NoError(t, err)
		assert.True(t, strings.HasSuffix(string(text), schema), name)
	}
}
