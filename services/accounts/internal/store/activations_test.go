package store

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

func TestOpenLink(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		secret, want := send(t, d, user.ID)

		_, state := open(t, d, ids.New(), noon)
		require.Equal(t, LinkUnknown, state)
		_, state = open(t, d, secret, noon.Add(24*time.Hour))
		require.Equal(t, LinkGone, state, "at the very end of its life")

		got, state := open(t, d, secret, noon.Add(24*time.Hour-time.Microsecond))
		require.Equal(t, LinkOpened, state)
		want.ID = got.ID
		require.Empty(t, cmp.Diff(want, got))
		_, state = open(t, d, secret, noon)
		require.Equal(t, LinkGone, state, "a second time")
	})
}

func TestOpenLinkOnceOfManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		secret, _ := send(t, d, invite(t, d, "titan@example.com", noon).ID)
		var opened, gone atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					_, state, err := OpenLink(ctx, tx, ids.Digest(secret), noon)
					switch state {
					case LinkOpened:
						opened.Add(1)
					case LinkGone:
						gone.Add(1)
					case LinkUnknown:
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, opened.Load())
		require.EqualValues(t, 7, gone.Load())
	})
}

func TestActivationsAreForInvitedUsersOnly(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		secret, a := send(t, d, user.ID)
		activate(t, d, user.ID)

		_, state := open(t, d, secret, noon)
		require.Equal(t, LinkGone, state, "the user is active by now")
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			a.Hash = ids.New()
			ok, err := InsertActivation(ctx, tx, a, ids.Digest("another"), noon, noon.Add(time.Hour))
			require.False(t, ok, "an active user got an activation")
			return err
		})
	})
}

func TestFinishActivation(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		secret, a := send(t, d, user.ID)
		find := func(hash string, user int64, kind accounts.LinkKind, openedAfter time.Time) error {
			_, err := OpenedActivation(t.Context(), d, hash, user, kind, openedAfter)
			return err
		}
		finish := func(id int64, openedAfter time.Time) (ok bool) {
			tx(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
				ok, err = FinishActivation(ctx, tx, id, openedAfter, noon)
				return err
			})
			return ok
		}
		before := noon.Add(-time.Hour)
		require.ErrorIs(t, find(a.Hash, user.ID, a.Kind, before), db.ErrNoRows, "not opened yet")
		opened, _ := open(t, d, secret, noon)

		require.NoError(t, find(a.Hash, user.ID, a.Kind, before))
		require.ErrorIs(t, find(ids.New(), user.ID, a.Kind, before), db.ErrNoRows, "another activation")
		require.ErrorIs(t, find(a.Hash, user.ID+1, a.Kind, before), db.ErrNoRows, "another user")
		require.ErrorIs(t, find(a.Hash, user.ID, accounts.LinkInvitation, before), db.ErrNoRows, "another kind")
		require.ErrorIs(t, find(a.Hash, user.ID, a.Kind, noon), db.ErrNoRows, "opened too long ago")

		require.False(t, finish(opened.ID, noon), "opened too long ago")
		require.True(t, finish(opened.ID, before))
		require.False(t, finish(opened.ID, before), "a second time")
		require.ErrorIs(t, find(a.Hash, user.ID, a.Kind, before), db.ErrNoRows, "finished")
	})
}

func TestRevokeActivations(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user, other := invite(t, d, "titan@example.com", noon), invite(t, d, "other@example.com", noon)
		unopened, _ := send(t, d, user.ID)
		openedLink, opened := send(t, d, user.ID)
		others, _ := send(t, d, other.ID)
		_, state := open(t, d, openedLink, noon)
		require.Equal(t, LinkOpened, state)

		tx(t, d, func(ctx context.Context, tx *db.Tx) error { return RevokeActivations(ctx, tx, user.ID, nil, noon) })
		_, state = open(t, d, unopened, noon)
		require.Equal(t, LinkGone, state)
		_, err := OpenedActivation(t.Context(), d, opened.Hash, user.ID, opened.Kind, noon.Add(-time.Hour))
		require.ErrorIs(t, err, db.ErrNoRows)
		_, state = open(t, d, others, noon)
		require.Equal(t, LinkOpened, state, "somebody else's")
	})
}

func TestAnInvitationEndsWithItsHub(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		owner, user := invite(t, d, "owner@example.com", noon), invite(t, d, "titan@example.com", noon)
		hub := createHub(t, d, "Falcon", owner.ID, accounts.RoleOwner)
		secret := ids.New()
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := InsertActivation(ctx, tx, Activation{
				Hash: ids.New(), User: user.ID, Kind: accounts.LinkInvitation, Hub: &hub.ID, Role: accounts.RoleUser,
			}, ids.Digest(secret), noon, noon.Add(time.Hour))
			return err
		})
		_, err := d.Exec(t.Context(), `DELETE FROM hubs WHERE id = $1`, hub.ID)
		require.NoError(t, err)
		_, state := open(t, d, secret, noon)
		require.Equal(t, LinkUnknown, state)
	})
}
