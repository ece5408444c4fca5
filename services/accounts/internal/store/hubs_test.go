package store

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

// createHub makes a hub of which the user is a member.
func createHub(t *testing.T, d *db.DB, name string, user int64, role accounts.Role) (hub accounts.Hub) {
	t.Helper()
	tx(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
		if hub, err = InsertHub(ctx, tx, name, noon); err != nil {
			return err
		}
		return join(ctx, tx, hub.ID, user, role)
	})
	return hub
}

func join(ctx context.Context, tx *db.Tx, hub, user int64, role accounts.Role) error {
	u, err := UserByID(ctx, tx, user)
	if err != nil {
		return err
	}
	return Join(ctx, tx, hub, u, role, noon)
}

// TestNewHubIsAsDocumented compares with the sample of a full authentication.
func TestNewHubIsAsDocumented(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		hub := createHub(t, d, "Nordantech", user.ID, accounts.RoleOwner)
		yes, no := true, false
		want := []Membership{{
			Hub: accounts.Hub{
				ID: hub.ID, Hash: hub.Hash, Name: "Nordantech", Type: accounts.HubRegular, CreatedTime: noon, ModifiedTime: noon,
				Policies: accounts.HubPolicies{RecoveryApproval: true},
				Settings: accounts.HubSettings{
					ProgramLevel: true, LoginConfirmation: false, LoginConfirmationChannel: 1, OfficePreview: true,
					PDFPreview: true, Support: true, PasswordAge: 0, SessionLimit: 3,
				},
			},
			Features: accounts.Features{
				Accounting: &no, Attachments: &yes, Audit: &no, EffectFreeze: &yes, EffectProvenience: &yes,
				Impersonation: true, NetworkFilter: &no, PasswordAge: 0, ReportPreferences: &yes,
				SecuritySettings: &no, SessionLimit: 3, Subscriptions: &yes, Trash: 7,
			},
			Role: accounts.RoleOwner,
		}}
		require.True(t, ids.Valid(hub.Hash))
		got, err := MembershipsOf(t.Context(), d, user.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got))

		byHash, err := HubByHash(t.Context(), d, hub.Hash)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want[0].Hub, byHash))
		_, err = HubByHash(t.Context(), d, ids.New())
		require.ErrorIs(t, err, db.ErrNoRows)
	})
}

func TestSettingsShowInFeatures(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		hub := createHub(t, d, "Falcon", user.ID, accounts.RoleUser)
		_, err := d.Exec(t.Context(), `UPDATE hubs SET session_limit = 9, password_age = 90, expiration_time = $2 WHERE id = $1`,
			hub.ID, db.Micros(noon))
		require.NoError(t, err)
		got, err := MembershipsOf(t.Context(), d, user.ID)
		require.NoError(t, err)
		require.Equal(t, 9, got[0].Features.SessionLimit)
		require.Equal(t, 90, got[0].Features.PasswordAge)
		require.Equal(t, noon, *got[0].Hub.ExpirationTime)
	})
}

func TestJoiningAgainKeepsTheRole(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		hub := createHub(t, d, "Falcon", user.ID, accounts.RoleUser)
		tx(t, d, func(ctx context.Context, tx *db.Tx) error { return join(ctx, tx, hub.ID, user.ID, accounts.RoleOwner) })
		got, err := MembershipsOf(t.Context(), d, user.ID)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, accounts.RoleUser, got[0].Role)
	})
}

func TestCurrentHub(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		user := invite(t, d, "titan@example.com", noon)
		current := func() *accounts.Hub {
			user, err := UserByID(t.Context(), d, user.ID)
			require.NoError(t, err)
			hub, err := CurrentHub(t.Context(), d, user, noon)
			require.NoError(t, err)
			return hub
		}
		require.Nil(t, current(), "nobody's hub")

		first := createHub(t, d, "First", user.ID, accounts.RoleOwner)
		second := createHub(t, d, "Second", user.ID, accounts.RoleUser)
		require.Equal(t, first.ID, current().ID, "without a last one")
		require.NoError(t, SetLastHub(t.Context(), d, user.ID, second.ID))
		require.Equal(t, second.ID, current().ID, "the last one")

		set := func(query string, args ...any) {
			_, err := d.Exec(t.Context(), query, args...)
			require.NoError(t, err)
		}
		set(`UPDATE memberships SET role = $2 WHERE hub_id = $1`, second.ID, accounts.RolePassive)
		require.Equal(t, first.ID, current().ID, "the last one cannot be entered")
		set(`UPDATE memberships SET role = $2 WHERE hub_id = $1`, second.ID, accounts.RoleUser)
		set(`UPDATE hubs SET expiration_time = $1`, db.Micros(noon))
		require.Equal(t, first.ID, current().ID, "the last one has expired, and so has the first one, for all but its owner")
		set(`UPDATE memberships SET role = $2 WHERE hub_id = $1`, first.ID, accounts.RoleTechnicalAdministrator)
		require.Nil(t, current(), "both have expired")
		set(`UPDATE hubs SET expiration_time = $1`, db.Micros(noon)+1)
		require.Equal(t, second.ID, current().ID, "just before their end")
		set(`UPDATE memberships SET joined_time = NULL WHERE hub_id = $1`, second.ID)
		require.Equal(t, first.ID, current().ID, "not joined the last one")

		_, err := d.Exec(t.Context(), `DELETE FROM memberships WHERE hub_id = $1`, second.ID)
		require.NoError(t, err)
		require.Equal(t, first.ID, current().ID, "having left the last one")
		_, err = d.Exec(t.Context(), `DELETE FROM hubs WHERE id = $1`, second.ID)
		require.NoError(t, err)
		require.Equal(t, first.ID, current().ID, "the last one is gone")
	})
}
