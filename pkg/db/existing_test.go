package db_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestWhatIsOpenedAsExistingIsNotMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "folder", "shop.db")
	_, err := db.Open(t.Context(), "sqlite:"+file, db.Options{Service: "shop", Existing: true})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = os.Stat(filepath.Dir(file))
	require.ErrorIs(t, err, fs.ErrNotExist)

	url := testkit.DatabaseURL(t, db.Postgres)
	_, err = db.Open(t.Context(), url, db.Options{Service: "shop", Existing: true})
	require.ErrorIs(t, err, db.ErrNoSchema)
	require.ErrorContains(t, err, `: there is no schema "shop"`)
	other := open(t, url, nil) // makes the schema
	require.NoError(t, other.Close())
	d, err := db.Open(t.Context(), url, db.Options{Service: "shop", Existing: true})
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

// TestASchemaOfOthers is one that the user may not look into: its tables would seem
// not to be there.
func TestASchemaOfOthers(t *testing.T) {
	t.Parallel()
	url := testkit.DatabaseURL(t, db.Postgres)
	d := open(t, url, items)
	require.NoError(t, d.Migrate(t.Context()))
	_, err := db.Open(t.Context(), url+"&role=pg_monitor", db.Options{Service: "shop", Existing: true})
	require.ErrorContains(t, err, `the user has no right to use the schema "shop"`)
	assert.NotErrorIs(t, err, db.ErrNoSchema)
}
