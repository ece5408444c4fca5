package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

func TestAttemptsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		key := []byte("key")
		count := func(at time.Time) (n int64, ok bool) {
			tx(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
				n, ok, err = CountAttempt(ctx, tx, key, at.Add(-time.Hour), at.Add(-time.Minute), at)
				return err
			})
			return n, ok
		}
		counted := func(want int64, at time.Time) {
			t.Helper()
			n, ok := count(at)
			require.True(t, ok)
			require.Equal(t, want, n)
		}
		counted(1, noon)
		counted(2, noon.Add(time.Minute-time.Microsecond))
		counted(1, noon.Add(2*time.Minute-time.Microsecond)) // too long after the last one
		at := noon.Add(2*time.Minute - time.Microsecond)
		for n := range int64(70) {
			at = at.Add(59 * time.Second)
			if at.Sub(noon.Add(2*time.Minute-time.Microsecond)) >= time.Hour {
				counted(1, at) // too long after the first one
				break
			}
			counted(n+2, at)
		}

		until := at.Add(time.Second)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error { return BlockAttempts(ctx, tx, key, until) })
		_, ok := count(until.Add(-time.Microsecond))
		require.False(t, ok)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			got, failures, err := BlockedUntil(ctx, tx, key)
			require.Equal(t, until, got)
			require.EqualValues(t, 1, failures)
			for _, want := range []bool{true, false} {
				first, err := RefuseAttempt(ctx, tx, key, until)
				require.NoError(t, err)
				require.Equal(t, want, first)
			}
			return err
		})
		counted(2, until)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			for range 3 {
				require.NoError(t, ReturnAttempt(ctx, tx, key))
			}
			return nil
		})
		counted(1, until)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error { return ClearAttempts(ctx, tx, key) })
		counted(1, until)
	})
}

func TestPlacesAreOneUsers(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user, other := invite(t, d, "titan@example.com", noon), invite(t, d, "other@example.com", noon)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			for _, value := range []string{"a", "a", "b"} {
				require.NoError(t, Remember(ctx, tx, user.ID, Device, value, noon, noon))
			}
			require.NoError(t, Remember(ctx, tx, other.ID, Device, "c", noon, noon))
			return Remember(ctx, tx, user.ID, Network, "c", noon, noon)
		})
		for _, tt := range []struct {
			user            int64
			device, network string
			since           time.Time
			want            Known
		}{
			{user.ID, "a", "c", noon.Add(-1), Known{Device: true, Network: true, Devices: 2}},
			{user.ID, "c", "a", noon.Add(-1), Known{Devices: 2}},
			{user.ID, "a", "c", noon, Known{}},
			{other.ID, "c", "c", noon.Add(-1), Known{Device: true, Devices: 1}},
			{0, "a", "c", noon.Add(-1), Known{}},
		} {
			got, err := KnownPlace(t.Context(), d, tt.user, tt.device, tt.network, tt.since)
			require.NoError(t, err)
			require.Equal(t, tt.want, got, "%+v", tt)
		}
	})
}

func TestTheHistoryIsBounded(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user, other := invite(t, d, "titan@example.com", noon), invite(t, d, "other@example.com", noon)
		set := func(user int64, hash string, at time.Time) {
			tx(t, d, func(ctx context.Context, tx *db.Tx) error { return ChangeCredential(ctx, tx, user, hash, 2, at) })
		}
		set(other.ID, "theirs", noon)
		set(other.ID, "theirs, too", noon)
		for n := range 5 {
			set(user.ID, fmt.Sprint(n), noon)
		}
		hashes, err := EarlierHashes(t.Context(), d, user.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"3", "2"}, hashes)
		hashes, err = EarlierHashes(t.Context(), d, other.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"theirs"}, hashes)
		changed, err := UserByID(t.Context(), d, user.ID)
		require.NoError(t, err)
		require.Equal(t, noon.Add(5*time.Microsecond), changed.ModifiedTime, "moves with every change")
	})
}
