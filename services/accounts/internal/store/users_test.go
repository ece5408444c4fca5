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
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

func TestUserFromInvitedToActive(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		invited := invite(t, d, "Titan@Example.com", noon)
		require.True(t, ids.Valid(invited.Hash))
		want := User{User: accounts.User{
			ID: invited.ID, Hash: invited.Hash, Email: "Titan@example.com", Status: accounts.Invited,
			Language: accounts.English, Locale: 1, Statefulness: true, PasswordType: accounts.PasswordInitial,
			CreatedTime: noon, ModifiedTime: noon,
		}}
		require.Empty(t, cmp.Diff(want, invited))

		later := noon.Add(time.Hour)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			ok, err := Activate(ctx, tx, invited.ID, "Olli", "Kahn", accounts.German, later)
			require.True(t, ok)
			return err
		})
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			again, err := Activate(ctx, tx, invited.ID, "Somebody", "Else", accounts.English, later)
			require.False(t, again, "an active user was activated again")
			return err
		})
		active, err := UserByHash(t.Context(), d, invited.Hash)
		require.NoError(t, err)
		want = User{User: accounts.User{
			ID: invited.ID, Hash: invited.Hash, FirstName: "Olli", LastName: "Kahn", Email: "Titan@example.com",
			EmailVerified: true, Status: accounts.Active, Language: accounts.German, Locale: 0, Statefulness: true,
			PasswordType: accounts.PasswordUser, PasswordModifiedTime: later, RegistrationTime: later,
			TermsAcceptedTime: &later, CreatedTime: noon, ModifiedTime: later,
		}}
		require.Empty(t, cmp.Diff(want, active))

		n, err := CountUsers(t.Context(), d, accounts.Active)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
	})
}

func TestOneUserPerAddressWhateverItsCase(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const at = 8
		var created atomic.Int64
		var wg sync.WaitGroup
		for i := range at {
			address := email(t, []string{"titan@example.com", "TITAN@EXAMPLE.COM"}[i%2])
			wg.Go(func() {
				err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					ok, err := InsertInvited(ctx, tx, address, accounts.English, noon)
					if ok {
						created.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, created.Load())
	})
}

func TestTouchInvitedLeavesOthersAlone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		invited, active := invite(t, d, "new@example.com", noon), invite(t, d, "old@example.com", noon)
		activate(t, d, active.ID)
		later := noon.Add(time.Hour)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error {
			require.NoError(t, TouchInvited(ctx, tx, "new@example.com", later))
			return TouchInvited(ctx, tx, "old@example.com", later)
		})
		invited, err := UserByID(t.Context(), d, invited.ID)
		require.NoError(t, err)
		require.Equal(t, later, invited.ModifiedTime)
		active, err = UserByID(t.Context(), d, active.ID)
		require.NoError(t, err)
		require.Equal(t, noon, active.ModifiedTime)
	})
}

func TestUserByLogin(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		with, without := invite(t, d, "Titan@example.com", noon), invite(t, d, "other@example.com", noon)
		require.NoError(t, SetCredential(t.Context(), d, with.ID, "hash", noon))
		setAlias := func(user int64, alias string) error {
			_, err := d.Exec(t.Context(), `UPDATE users SET alias = $2, alias_key = $3 WHERE id = $1`, user, alias, input.AliasKey(alias))
			return err
		}
		require.NoError(t, setAlias(with.ID, "Olli.Kahn"))
		err := setAlias(without.ID, "OLLI.kahn")
		require.True(t, db.IsUnique(err), "two users with one alias: %v", err)

		for _, tt := range []struct {
			login string
			user  int64
			hash  string
		}{
			{"TITAN@example.com", with.ID, "hash"},
			{"oLLi.Kahn", with.ID, "hash"},
			{"other@example.com", without.ID, ""},
			{"nobody@example.com", 0, ""},
			{"nobody", 0, ""},
			{"", 0, ""},
			{"%", 0, ""},
		} {
			email, alias := input.LoginKey(tt.login)
			user, hash, err := UserByLogin(t.Context(), d, email, alias)
			if tt.user == 0 {
				require.ErrorIs(t, err, db.ErrNoRows, "login %q", tt.login)
				continue
			}
			require.NoError(t, err, "login %q", tt.login)
			require.Equal(t, tt.user, user.ID, "login %q", tt.login)
			require.Equal(t, tt.hash, hash, "login %q", tt.login)
		}
	})
}

func TestReplaceCredentialOnlyOfTheSamePassword(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		stored := func() string {
			_, hash, err := UserByLogin(t.Context(), d, "titan@example.com", "")
			require.NoError(t, err)
			return hash
		}
		require.NoError(t, SetCredential(t.Context(), d, user.ID, "first", noon))
		ok, err := ReplaceCredential(t.Context(), d, user.ID, "first", "better", noon)
		require.NoError(t, err)
		require.True(t, ok)

		require.NoError(t, SetCredential(t.Context(), d, user.ID, "changed", noon))
		ok, err = ReplaceCredential(t.Context(), d, user.ID, "better", "late", noon)
		require.NoError(t, err)
		require.False(t, ok, "a late rehash replaced a new password")
		require.Equal(t, "changed", stored())
	})
}

func TestNobodyIsFoundByWhatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		_, err := UserByID(t.Context(), d, 4711)
		require.ErrorIs(t, err, db.ErrNoRows)
		_, err = UserByHash(t.Context(), d, ids.New())
		require.ErrorIs(t, err, db.ErrNoRows)
		_, err = UserByEmail(t.Context(), d, "")
		require.ErrorIs(t, err, db.ErrNoRows)
	})
}
