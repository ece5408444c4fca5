package store

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// noon is when the tests happen.
var noon = time.Date(2026, time.January, 2, 12, 0, 0, 123456000, time.UTC)

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, "accounts", os.DirFS("../../migrations"), test)
}

// tx runs fn in a transaction that must succeed.
func tx(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	require.NoError(t, d.Tx(t.Context(), fn))
}

func email(t *testing.T, address string) input.Email {
	t.Helper()
	e, err := input.ParseEmail(address)
	require.NoError(t, err)
	return e
}

// invite adds an invited user.
func invite(t *testing.T, d *db.DB, address string, at time.Time) User {
	t.Helper()
	key := email(t, address)
	tx(t, d, func(ctx context.Context, tx *db.Tx) error {
		_, err := InsertInvited(ctx, tx, key, accounts.English, at)
		return err
	})
	user, err := UserByEmail(t.Context(), d, key.Key)
	require.NoError(t, err)
	return user
}

// activate makes an invited user an active one.
func activate(t *testing.T, d *db.DB, user int64) {
	t.Helper()
	tx(t, d, func(ctx context.Context, tx *db.Tx) error {
		ok, err := Activate(ctx, tx, user, "Olli", "Kahn", accounts.English, noon)
		require.True(t, ok)
		return err
	})
}

// send gives an invited user an activation that expires after a day.
func send(t *testing.T, d *db.DB, user int64) (secret string, a Activation) {
	t.Helper()
	secret = ids.New()
	a = Activation{
		Hash: ids.New(), User: user, Kind: accounts.LinkActivation, FirstName: "Olli", LastName: "Kahn",
		Language: accounts.English, Role: accounts.RoleOwner,
	}
	tx(t, d, func(ctx context.Context, tx *db.Tx) error {
		ok, err := InsertActivation(ctx, tx, a, ids.Digest(secret), noon, noon.Add(24*time.Hour))
		require.True(t, ok)
		return err
	})
	return secret, a
}

// open tries to open a link.
func open(t *testing.T, d *db.DB, secret string, at time.Time) (a Activation, state LinkState) {
	t.Helper()
	tx(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
		a, state, err = OpenLink(ctx, tx, ids.Digest(secret), at)
		return err
	})
	return a, state
}
