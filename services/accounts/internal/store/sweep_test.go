package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

func TestSweepActivations(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		secret, _ := send(t, d, user.ID)
		ends := noon.Add(24 * time.Hour)
		for _, tt := range []struct {
			before time.Time
			swept  int64
			state  LinkState
		}{
			{ends, 0, LinkGone},
			{ends.Add(time.Microsecond), 1, LinkUnknown},
		} {
			n, err := SweepActivations(t.Context(), d, tt.before)
			require.NoError(t, err)
			require.Equal(t, tt.swept, n)
			_, state := open(t, d, secret, ends)
			require.Equal(t, tt.state, state)
		}
	})
}

func TestSweepInvited(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		old := noon.Add(-31 * 24 * time.Hour)
		never, again, active := invite(t, d, "never@example.com", old), invite(t, d, "again@example.com", old), invite(t, d, "active@example.com", old)
		secret, _ := send(t, d, never.ID)
		activate(t, d, active.ID)
		_, err := d.Exec(t.Context(), `UPDATE users SET modified_time = $2 WHERE id = $1`, active.ID, db.Micros(old))
		require.NoError(t, err)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error { return TouchInvited(ctx, tx, "again@example.com", noon) })

		n, err := SweepInvited(t.Context(), d, noon.Add(-30*24*time.Hour), noon)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		_, err = UserByID(t.Context(), d, never.ID)
		require.ErrorIs(t, err, db.ErrNoRows)
		_, state := open(t, d, secret, noon)
		require.Equal(t, LinkUnknown, state, "the link of a user who is gone")
		for _, kept := range []User{again, active} {
			_, err = UserByID(t.Context(), d, kept.ID)
			require.NoError(t, err)
		}
		var kind, actor, detail string
		var subject int64
		require.NoError(t, d.QueryRow(t.Context(), `SELECT kind, actor, detail, user_id FROM audit`).Scan(&kind, &actor, &detail, &subject))
		require.Equal(t, []any{"user.removed", "system", `{"reason":"never activated"}`, never.ID}, []any{kind, actor, detail, subject})
	})
}

func TestSweepInvitedInBatches(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const many = sweepBatch + 3
		old := noon.Add(-time.Hour)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			for range many {
				address := input.Email{Address: ids.New() + "@example.com"}
				address.Key = address.Address
				if _, err := InsertInvited(ctx, tx, address, accounts.English, old); err != nil {
					return err
				}
			}
			return nil
		})
		n, err := SweepInvited(t.Context(), d, noon, noon)
		require.NoError(t, err)
		require.EqualValues(t, many, n)
	})
}

func TestRecord(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		seven, eight := int64(7), int64(8)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			return Record(ctx, tx, Event{
				Kind: LoginFailed, User: &seven, Hub: &eight, Actor: ActorUser, ActorID: &seven,
				Origin: api.Origin{Address: "192.0.2.7\x00", UserAgent: "Browser\xff"},
				Detail: map[string]any{"reason": "password"}, Time: noon,
			})
		})
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			return Record(ctx, tx, Event{Kind: UserRemoved, Actor: ActorSystem, Time: noon})
		})
		type entry struct {
			Kind, Actor, Address, UserAgent, Detail string
			User, Hub, ActorID                      *int64
			Time                                    int64
		}
		rows, err := d.Query(t.Context(), `SELECT kind, actor, address, user_agent, detail, user_id, hub_id, actor_id, created_time FROM audit ORDER BY id`)
		got, err := collect(rows, err, func(s db.Scanner) (e entry, err error) {
			err = s.Scan(&e.Kind, &e.Actor, &e.Address, &e.UserAgent, &e.Detail, &e.User, &e.Hub, &e.ActorID, &e.Time)
			return e, err
		})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff([]entry{
			{"login.failed", "user", "192.0.2.7", "Browser", `{"reason":"password"}`, &seven, &eight, &seven, db.Micros(noon)},
			{"user.removed", "system", "", "", "{}", nil, nil, nil, db.Micros(noon)},
		}, got))
	})
}

func TestARecordIsPartOfItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			if err := Record(ctx, tx, Event{Kind: UserRemoved, Actor: ActorSystem, Time: noon}); err != nil {
				return err
			}
			return context.Canceled
		})
		require.ErrorIs(t, err, context.Canceled)
		var n int
		require.NoError(t, d.QueryRow(t.Context(), `SELECT COUNT(*) FROM audit`).Scan(&n))
		require.Zero(t, n)
	})
}
