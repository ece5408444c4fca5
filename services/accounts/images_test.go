package accounts

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// aPicture is a file with one pixel of a colour.
func aPicture(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	m.Set(0, 0, c)
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func TestAPictureIsItsUsers(t *testing.T) {
	onEach(t, func(f *fixture) {
		owner := f.register(olliMail)
		s := f.local(api.Gateway)
		set := func(c color.Color) accounts.Image {
			i, err := s.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(owner), Data: aPicture(f.t, c)})
			require.NoError(f.t, err)
			return i
		}
		first, now := set(color.White), f.clock.Now()
		require.Len(f.t, first.Hash, 40)
		require.Empty(f.t, cmp.Diff(accounts.Image{
			ID: first.ID, Hash: first.Hash, Extension: "jpg", MIME: "image/jpeg", Size: first.Size,
			CreatedTime: now, ModifiedTime: now, ModifiedUserTime: now,
		}, first))
		f.clock.Advance(time.Minute)
		second := set(color.Transparent)
		require.Equal(f.t, first.ID, second.ID)
		require.Equal(f.t, "png", second.Extension)
		require.Equal(f.t, now, second.CreatedTime)
		require.Equal(f.t, f.clock.Now(), second.ModifiedTime)
		require.True(f.t, set(color.Transparent).ModifiedTime.After(second.ModifiedTime), "changed at the same moment")

		for _, ref := range []api.Ref{{ID: first.ID}, {Hash: first.Hash}} {
			got, err := s.GetImage(t.Context(), accounts.ImageRequest{Actor: actor(owner), Image: ref})
			require.NoError(f.t, err)
			require.EqualValues(f.t, len(got.Data), got.Image.Size)
			_, err = png.Decode(bytes.NewReader(got.Data))
			require.NoError(f.t, err)
		}
		account, err := s.Describe(t.Context(), accounts.DescribeRequest{User: owner.User.ID, Hub: &owner.Hub.ID})
		require.NoError(f.t, err)
		require.Equal(f.t, first.Hash, account.User.Image.Hash)

		remove := accounts.ImageRequest{Actor: actor(owner), Image: api.Ref{ID: first.ID}}
		_, err = s.RemoveImage(t.Context(), remove)
		require.NoError(f.t, err)
		_, err = s.RemoveImage(t.Context(), remove)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.EqualValues(f.t, 3, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.image_set'`))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.image_removed'`))
	})
}

func TestWhoSeesAPicture(t *testing.T) {
	onEach(t, func(f *fixture) {
		owner, stranger := f.register(olliMail), f.register("stranger@example.com")
		member := f.join("member@example.com", owner.Hub.ID, accounts.RoleUser)
		passive := f.join("passive@example.com", owner.Hub.ID, accounts.RolePassive)
		listed := f.join("listed@example.com", owner.Hub.ID, accounts.RoleUser)
		f.exec(`UPDATE memberships SET joined_time = NULL WHERE user_id = $1`, listed.User.ID)
		pictures := map[int64]accounts.Image{}
		for _, i := range []accounts.Identity{owner, listed} {
			set, err := f.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(i), Data: aPicture(f.t, color.Black)})
			require.NoError(f.t, err)
			pictures[i.User.ID] = set
		}
		for name, tt := range map[string]struct {
			actor api.Actor
			of    accounts.Identity
			sees  bool
		}{
			"oneself, hubless":            {api.Actor{User: owner.User.ID}, owner, true},
			"a member":                    {actor(member), owner, true},
			"a member in another hub":     {api.Actor{User: member.User.ID}, owner, false},
			"a passive one":               {actor(passive), owner, false},
			"a stranger":                  {actor(stranger), owner, false},
			"a stranger who says so":      {api.Actor{User: stranger.User.ID, Hub: &owner.Hub.ID}, owner, false},
			"of one who has not joined":   {actor(owner), listed, false},
			"by one who has not joined":   {actor(listed), owner, false},
			"one who has not, of oneself": {actor(listed), listed, true},
		} {
			_, err := f.GetImage(t.Context(), accounts.ImageRequest{Actor: tt.actor, Image: api.Ref{ID: pictures[tt.of.User.ID].ID}})
			if tt.sees {
				require.NoError(f.t, err, name)
				continue
			}
			require.Equal(f.t, fault.NotFound, fault.From(err).Kind, name)
		}
		_, err := f.RemoveImage(t.Context(), accounts.ImageRequest{Actor: actor(member), Image: api.Ref{ID: pictures[owner.User.ID].ID}})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
	})
}

func TestWhoMayNotSetAPicture(t *testing.T) {
	onEach(t, func(f *fixture) {
		owner := f.register(olliMail)
		a := actor(owner)
		a.Impersonator = &owner.User.ID
		_, err := f.SetImage(t.Context(), accounts.SetImageRequest{Actor: a, Data: aPicture(f.t, color.Black)})
		requireFault(f.t, err, fault.Forbidden, "fault.impersonating")
		_, err = f.RemoveImage(t.Context(), accounts.ImageRequest{Actor: a, Image: api.Ref{ID: 1}})
		requireFault(f.t, err, fault.Forbidden, "fault.impersonating")
		_, err = f.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(owner), Data: []byte("a picture")})
		require.Equal(f.t, map[string][]string{"image": {"validation.image"}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		f.exec(`UPDATE users SET status = 0`)
		_, err = f.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(owner), Data: aPicture(f.t, color.Black)})
		requireFault(f.t, err, fault.Unauthenticated, "fault.unauthenticated")
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM images`))
	})
}
