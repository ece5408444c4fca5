package accounts

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *team) unlockMember(by api.Actor, of accounts.Identity) error {
	_, err := f.UnlockMember(f.t.Context(), accounts.MemberRequest{Actor: by, Member: ref(of)})
	return err
}

// TestAnOwnerLiftsTheLockOfAMember a few times a day: whoever guesses could found
// a hub, too.
func TestAnOwnerLiftsTheLockOfAMember(t *testing.T) {
	onTeam(t, func(f *team) {
		owner := f.by(accounts.RoleOwner)
		for range 3 {
			f.lockOut(f.user.User.Email, abroad)
			requireFault(f.t, f.guess(f.user.User.Email, abroad), fault.Throttled, "fault.locked")
			require.NoError(f.t, f.unlockMember(owner, f.user))
		}
		requireFault(f.t, f.guess(f.user.User.Email, abroad), fault.Unauthenticated, "fault.credentials")
		require.True(f.t, fault.Is(f.unlockMember(owner, f.user), fault.Throttled))
		require.Contains(f.t, f.notices(f.user.User.Email), string(mail.AccountUnlocked)+" "+f.owner.Hub.Name)
	})
}

func TestOnlyOwnersInPersonLiftLocks(t *testing.T) {
	onTeam(t, func(f *team) {
		acting, token := f.by(accounts.RoleOwner), f.by(accounts.RoleOwner)
		acting.Impersonator, token.PAT = &f.user.User.ID, &f.hub
		for name, by := range map[string]api.Actor{
			"technical administrator": f.by(accounts.RoleTechnicalAdministrator), "user": f.by(accounts.RoleUser),
			"impersonating": acting, "by token": token, "hubless": hubless(f.owner),
		} {
			require.True(f.t, fault.Is(f.unlockMember(by, f.user), fault.Forbidden), name)
		}
		_, err := f.UnlockMember(f.t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleOwner), Member: api.Ref{ID: 999}})
		require.True(f.t, fault.Is(err, fault.NotFound))
	})
}

func TestLocksLiftedAtOnceAreAllCounted(t *testing.T) {
	onTeam(t, func(f *team) {
		var lifted atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if f.unlockMember(f.by(accounts.RoleOwner), f.user) == nil {
					lifted.Add(1)
				}
			})
		}
		group.Wait()
		require.EqualValues(f.t, 3, lifted.Load())
	})
}
