package accounts

import (
	"image/color"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// migrationsUntil are those of the service up to one of them, by its file's name.
func migrationsUntil(t *testing.T, last string) fs.FS {
	t.Helper()
	some := fstest.MapFS{}
	all, err := fs.ReadDir(Migrations, ".")
	require.NoError(t, err)
	for _, entry := range all {
		if entry.Name() <= last {
			text, err := fs.ReadFile(Migrations, entry.Name())
			require.NoError(t, err)
			some[entry.Name()] = &fstest.MapFile{Data: text}
		}
	}
	return some
}

// TestNoHashStaysThePublicNameOfAPicture has a database in which one was made of it
// and another with a name of its own.
func TestNoHashStaysThePublicNameOfAPicture(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			url := testkit.DatabaseURL(t, dialect)
			migrate := func(sources fs.FS) *db.DB {
				d, err := db.Open(t.Context(), url, db.Options{Service: accounts.Name, Migrations: sources, MaxConns: 2})
				require.NoError(t, err)
				require.NoError(t, d.Migrate(t.Context()))
				return d
			}
			old := migrate(migrationsUntil(t, "0014_profiles.sql"))
			hash, named := strings.Repeat("a", 40), strings.Repeat("b", 40)
			for i, name := range []string{hash, named} {
				id := int64(i + 1)
				_, err := old.Exec(t.Context(), `INSERT INTO users (id, hash, email, email_key, status, language, locale, created_time, modified_time)
					VALUES ($1, $2, $3, $3, 1, 1, 1, 0, 0)`, id, name, name+"@example.org")
				require.NoError(t, err)
				_, err = old.Exec(t.Context(), `INSERT INTO images (hash, user_id, extension, mime, size, created_time, modified_time,
					modified_user_time, data, public_name) VALUES ($1, $2, 'png', 'image/png', 1, 0, 0, 0, $3, $4)`,
					strings.Repeat(string(rune('a'+2*i)), 40), id, []byte("x"), name)
				require.NoError(t, err)
			}
			require.NoError(t, old.Close())
			fresh := migrate(Migrations)
			defer func() { require.NoError(t, fresh.Close()) }()
			var left, kept int
			require.NoError(t, fresh.QueryRow(t.Context(), `SELECT COUNT(*) FROM images WHERE public_name IS NULL AND hash = $1`, hash).Scan(&left))
			require.NoError(t, fresh.QueryRow(t.Context(), `SELECT COUNT(*) FROM images WHERE public_name = $1`, named).Scan(&kept))
			require.Equal(t, []int{1, 1}, []int{left, kept})
		})
	}
}

// TestAPictureIsNamedWhenItIsNeeded has one from before pictures had names.
func TestAPictureIsNamedWhenItIsNeeded(t *testing.T) {
	onTeam(t, func(f *team) {
		s := f.local(api.Gateway)
		_, err := s.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(f.user), Data: aPicture(f.t, color.White)})
		require.NoError(f.t, err)
		f.exec(`UPDATE images SET public_name = NULL`)
		names := make(chan string, 2)
		for range cap(names) { // two at once
			go func() {
				a, err := f.local(api.OAuth).Claims(t.Context(), accounts.ClaimsRequest{Subject: f.user.User.Hash, Profile: true})
				if err != nil {
					names <- err.Error()
					return
				}
				names <- a.Profile.Picture
			}()
		}
		first := <-names
		require.Equal(f.t, first, <-names)
		require.Equal(f.t, first, f.profile(f.user).Picture, "it stays")
		name, ok := strings.CutPrefix(first, publicURL+accounts.PicturePath)
		require.True(f.t, ok, first)
		content, err := s.Picture(t.Context(), accounts.PictureRequest{Name: name})
		require.NoError(f.t, err)
		require.NotEqual(f.t, content.Image.Hash, name)
		_, err = s.Picture(t.Context(), accounts.PictureRequest{Name: content.Image.Hash})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
	})
}
