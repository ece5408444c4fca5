package subject

import (
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var schema = fstest.MapFS{"00001_salt.sql": {Data: []byte(`-- +goose Up
CREATE TABLE pairwise_salt (id BIGINT NOT NULL PRIMARY KEY, sealed BYTEA NOT NULL);
`)}}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	testkit.EachDB(t, "oauth", schema, test)
}

func ringOf(t *testing.T, first byte, others ...byte) *keyring.Ring {
	t.Helper()
	var roots [][]byte
	for _, b := range append([]byte{first}, others...) {
		root := make([]byte, keyring.RootSize)
		root[0] = b
		roots = append(roots, root)
	}
	ring, err := keyring.NewRing(roots...)
	require.NoError(t, err)
	return ring
}

const alice = "8db560a23013ff54838d45e59a3f3f39f6720c86"

func app(subjectType, sector string, redirects ...string) *client.Client {
	return &client.Client{Client: oauth.Client{ID: "app", Metadata: oauth.Metadata{
		SubjectType: subjectType, SectorURI: sector, RedirectURIs: redirects,
	}}}
}

func TestNames(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		names, err := Load(t.Context(), d, ringOf(t, 1))
		require.NoError(t, err)
		assert.Equal(t, alice, names.Of(app("public", ""), alice))
		assert.Equal(t, alice, names.Of(app("", ""), alice))
		one := names.Of(app(Pairwise, "", "https://a.example/cb"), alice)
		assert.Len(t, one, 43)
		assert.NotContains(t, one, alice)
		assert.Empty(t, names.Of(app(Pairwise, ""), ""), "nobody has no name")
		assert.Equal(t, one, names.Of(app(Pairwise, "", "https://a.example/other", "https://b.example/cb"), alice))
		assert.Equal(t, one, names.Of(app(Pairwise, "https://a.example/sector.json", "https://b.example/cb"), alice))
		assert.NotEqual(t, one, names.Of(app(Pairwise, "", "https://b.example/cb"), alice))
		assert.NotEqual(t, one, names.Of(app(Pairwise, "", "https://a.example/cb"), alice+"0"))

		for _, own := range []string{"http://127.0.0.1/cb", "http://[::1]:80/cb", "http://localhost:3000/cb", "com.example.app:/cb"} {
			here, there := app(Pairwise, "", own), app(Pairwise, "", own)
			there.ID = "another"
			assert.NotEqual(t, names.Of(here, alice), names.Of(there, alice), own)
			assert.Equal(t, names.Of(here, alice), names.Of(app(Pairwise, ""), alice), own)
		}

		const session = alice // were a session called as a user is
		assert.Equal(t, session, names.Session(app("public", ""), session))
		assert.Empty(t, names.Session(app(Pairwise, ""), ""), "no session has no name")
		sid := names.Session(app(Pairwise, "", "https://a.example/cb"), session)
		assert.Len(t, sid, 43)
		assert.NotEqual(t, one, sid)
		assert.NotEqual(t, sid, names.Session(app(Pairwise, "", "https://b.example/cb"), session))

		elsewhere, err := Load(t.Context(), d, ringOf(t, 1))
		require.NoError(t, err)
		assert.Equal(t, one, elsewhere.Of(app(Pairwise, "", "https://a.example/cb"), alice), "the salt is the installation's")
	})
}

// TestNamesOutliveTheirRoots takes the steps of a rotation of root keys.
func TestNamesOutliveTheirRoots(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		names := map[string]bool{}
		for _, ring := range []*keyring.Ring{
			ringOf(t, 1), ringOf(t, 1, 2), ringOf(t, 2, 1), ringOf(t, 1, 2), ringOf(t, 2, 1), ringOf(t, 2), ringOf(t, 3, 2), ringOf(t, 3),
		} {
			loaded, err := Load(t.Context(), d, ring)
			require.NoError(t, err)
			names[loaded.Of(app(Pairwise, ""), alice)] = true
		}
		assert.Len(t, names, 1)
		_, err := Load(t.Context(), d, ringOf(t, 1))
		require.ErrorIs(t, err, keyring.ErrUnknownRoot, "sealed again, so the first root is of no use")
	})
}

func TestManyLoadOneSalt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		var group sync.WaitGroup
		names := make([]string, 8)
		for i := range names {
			group.Go(func() {
				loaded, err := Load(t.Context(), d, ringOf(t, 1))
				if assert.NoError(t, err) {
					names[i] = loaded.Of(app(Pairwise, ""), alice)
				}
			})
		}
		group.Wait()
		for _, name := range names {
			assert.Equal(t, names[0], name)
		}
	})
}
