package accounts

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Anybody can have a hub, and whoever it lists stays for ever: so that is not
// without an end.
func TestAHubListsOnlySoManyWhoHaveNotJoined(t *testing.T) {
	onTeam(t, func(f *team) {
		const most = 5000
		require.NoError(f.t, f.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			for i := range most - 1 {
				id := int64(1_000_000 + i)
				name := fmt.Sprintf("%040x", i)
				_, err := tx.Exec(ctx, `INSERT INTO users (id, hash, email, email_key, status, language, locale, created_time, modified_time)
					VALUES ($1, $2, $2, $2, 2, 1, 1, 1, 1)`, id, name)
				if err != nil {
					return err
				}
				_, err = tx.Exec(ctx, `INSERT INTO memberships (hub_id, user_id, number, hash, role, created_time, modified_time)
					VALUES ($1, $2, $2, $3, 2, 1, 1)`, f.hub, id, name)
				if err != nil {
					return err
				}
			}
			return nil
		}))
		a := f.by(accounts.RoleAdministrator)
		last := f.add(a, "last@example.com", false)
		_, err := f.AddMember(t.Context(), adding(a, "more@example.com", false))
		requireFault(f.t, err, fault.Conflict, "fault.too_many")
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE email = 'more@example.com'`))
		_, err = f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: a, Member: api.Ref{ID: last.User.ID}})
		require.NoError(f.t, err)
		f.add(a, "more@example.com", false)
	})
}
