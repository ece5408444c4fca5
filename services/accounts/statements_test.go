package accounts

import (
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// say changes the profile of whoever acts.
func (f *team) say(a api.Actor, who api.Ref, change func(*accounts.UpdateProfileRequest)) (accounts.Profile, error) {
	f.t.Helper()
	r := accounts.UpdateProfileRequest{Actor: a, Member: who}
	change(&r)
	return f.local(api.Gateway).UpdateProfile(f.t.Context(), r)
}

func (f *team) profile(i accounts.Identity) accounts.Profile {
	f.t.Helper()
	p, err := f.local(api.Gateway).GetProfile(f.t.Context(), accounts.MemberRequest{Actor: hubless(i), Member: ref(i)})
	require.NoError(f.t, err)
	return p
}

func everything(r *accounts.UpdateProfileRequest) {
	r.MiddleName, r.Nickname, r.Gender = to("Rolf"), to(" Titan "), to("male")
	r.Profile, r.Website = to("https://example.org/olli"), to("https://example.org")
	r.Birthdate, r.Zoneinfo, r.Locale, r.PhoneNumber = to("1969-06-15"), to("Europe/Berlin"), to("de-de"), to("+49 89 699 310")
	r.Address = accounts.AddressChange{
		Formatted: to("Säbener Straße 51\r\n81547 München"), StreetAddress: to("Säbener Straße 51"), Locality: to("München"),
		Region: to("Bayern"), PostalCode: to("81547"), Country: to("DE"),
	}
}

func TestAProfileIsChangedInParts(t *testing.T) {
	onTeam(t, func(f *team) {
		silent := accounts.Profile{User: f.user.User.ID, Hash: f.user.User.Hash, ModifiedTime: f.user.User.ModifiedTime}
		require.Empty(f.t, cmp.Diff(silent, f.profile(f.user)))
		f.clock.Advance(time.Minute)
		want := silent
		want.MiddleName, want.Nickname, want.Gender = "Rolf", "Titan", "male"
		want.Profile, want.Website = "https://example.org/olli", "https://example.org"
		want.Birthdate, want.Zoneinfo, want.Locale, want.PhoneNumber = "1969-06-15", "Europe/Berlin", "de-DE", "+4989699310"
		want.Address = accounts.Address{
			Formatted: "Säbener Straße 51\n81547 München", StreetAddress: "Säbener Straße 51", Locality: "München",
			Region: "Bayern", PostalCode: "81547", Country: "DE",
		}
		want.ModifiedTime = f.clock.Now()
		got, err := f.say(actor(f.user), ref(f.user), everything)
		require.NoError(f.t, err)
		require.Empty(f.t, cmp.Diff(want, got))
		require.Empty(f.t, cmp.Diff(want, f.profile(f.user)))

		got, err = f.say(actor(f.user), api.Ref{ID: f.user.User.ID}, func(r *accounts.UpdateProfileRequest) {
			everything(r)
			r.Nickname, r.Address.Region = to(""), nil
		})
		require.NoError(f.t, err)
		want.Nickname, want.ModifiedTime = "", want.ModifiedTime.Add(time.Microsecond)
		require.Empty(f.t, cmp.Diff(want, got), "what is not named stays")
		_, err = f.say(actor(f.user), ref(f.user), func(*accounts.UpdateProfileRequest) {})
		require.NoError(f.t, err)
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.updated'`), "nothing new, nothing to tell")
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE detail = '{"fields":["nickname"]}'`))
		require.EqualValues(f.t, 0, f.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%bener%' OR detail LIKE '%1969%'`), "not what it is")
		for _, told := range []string{"bener", "1969-06", "699310"} {
			require.NotContains(f.t, f.log.String(), told)
		}

		seen := want.ModifiedTime
		change := func(r *accounts.UpdateProfileRequest) { r.Revision, r.Gender = &seen, to("") }
		got, err = f.say(actor(f.user), ref(f.user), change)
		require.NoError(f.t, err)
		require.Empty(f.t, got.Gender)
		_, err = f.say(actor(f.user), ref(f.user), change)
		requireFault(f.t, err, fault.Conflict, "fault.modified")
	})
}

func TestAProfileIsItsUsersAlone(t *testing.T) {
	onTeam(t, func(f *team) {
		other, stranger := f.join("other@example.com", f.hub, accounts.RoleUser), f.register("stranger@example.com")
		invited := f.add(actor(f.admin), "invited@example.com", false)
		impersonated, byProvider := actor(f.user), actor(f.user)
		impersonated.Impersonator, byProvider.ProviderHub = &f.owner.User.ID, &f.hub
		for name, tt := range map[string]struct {
			actor api.Actor
			who   api.Ref
			kind  fault.Kind
		}{
			"an administrator":     {actor(f.admin), ref(f.user), fault.Forbidden},
			"the owner":            {actor(f.owner), ref(f.user), fault.Forbidden},
			"another member":       {actor(other), ref(f.user), fault.Forbidden},
			"not joined yet":       {actor(f.admin), api.Ref{ID: invited.User.ID}, fault.Forbidden},
			"from another hub":     {actor(stranger), ref(f.user), fault.NotFound},
			"nobody":               {actor(f.admin), api.Ref{ID: 99999}, fault.NotFound},
			"acting as the user":   {impersonated, ref(f.user), fault.Forbidden},
			"by a hub's own login": {byProvider, ref(f.user), fault.Forbidden},
			"no hub":               {hubless(other), ref(f.user), fault.Forbidden},
		} {
			_, err := f.GetProfile(t.Context(), accounts.MemberRequest{Actor: tt.actor, Member: tt.who})
			require.Truef(f.t, fault.Is(err, tt.kind), "%s: %v", name, err)
			_, err = f.say(tt.actor, tt.who, everything)
			require.Truef(f.t, fault.Is(err, tt.kind), "%s: %v", name, err)
		}
		require.EqualValues(f.t, 0, f.count(`SELECT COUNT(*) FROM profiles`))
		_, err := f.say(actor(f.user), ref(f.user), func(r *accounts.UpdateProfileRequest) {
			r.Website, r.Address.Country, r.Zoneinfo = to("http://example.org"), to(strings.Repeat("x", 201)), to("Mars")
		})
		require.Len(f.t, fault.From(err).Fields, 3, "%v", err)
		require.EqualValues(f.t, 0, f.count(`SELECT COUNT(*) FROM profiles`))

		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.user.User.ID)
		_, err = f.say(actor(f.user), ref(f.user), everything)
		require.True(f.t, fault.Is(err, fault.Unauthenticated), "%v", err)
	})
}

// TestClaimsOfAProfile: what apps may see, and a number that is verified only if
// it is the one of a factor.
func TestClaimsOfAProfile(t *testing.T) {
	onTeam(t, func(f *team) {
		claims := func(profile bool) accounts.Account {
			a, err := f.local(api.OAuth).Claims(t.Context(), accounts.ClaimsRequest{Subject: f.user.User.Hash, Phone: true, Profile: profile})
			require.NoError(f.t, err)
			return a
		}
		require.Nil(f.t, claims(false).Profile)
		require.Equal(f.t, f.user.User.Hash, claims(true).Profile.Hash)
		_, err := f.say(actor(f.user), ref(f.user), everything)
		require.NoError(f.t, err)
		require.False(f.t, claims(true).Profile.PhoneNumberVerified)
		require.Empty(f.t, claims(true).Phone)

		sms := f.enrol(as(f.user), accounts.ChannelSMS)
		_, err = f.confirmFactor(as(f.user), sms, f.codeFor(sms))
		require.NoError(f.t, err)
		require.Equal(f.t, olliNumber, claims(true).Phone)
		require.False(f.t, claims(true).Profile.PhoneNumberVerified, "it is another one")
		_, err = f.say(actor(f.user), ref(f.user), func(r *accounts.UpdateProfileRequest) { r.PhoneNumber = to(olliNumber) })
		require.NoError(f.t, err)
		require.True(f.t, claims(true).Profile.PhoneNumberVerified)
		require.Equal(f.t, olliNumber, claims(true).Profile.PhoneNumber)
	})
}

func TestPicturesHavePublicNames(t *testing.T) {
	onTeam(t, func(f *team) {
		s := f.local(api.Gateway)
		set := func(c color.Color) (name string) {
			_, err := s.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(f.user), Data: aPicture(f.t, c)})
			require.NoError(f.t, err)
			name, ok := strings.CutPrefix(f.profile(f.user).Picture, publicURL+accounts.PicturePath)
			require.True(f.t, ok)
			return name
		}
		get := func(name string) (accounts.ImageContent, error) {
			return s.Picture(t.Context(), accounts.PictureRequest{Name: name})
		}
		first := set(color.White)
		content, err := get(first)
		require.NoError(f.t, err)
		require.Equal(f.t, "image/jpeg", content.Image.MIME)
		require.NotEqual(f.t, content.Image.Hash, first, "others of the hub see the hash")
		require.Len(f.t, content.Data, int(content.Image.Size))
		f.clock.Advance(time.Minute)
		second := set(color.Black)
		require.NotEqual(f.t, first, second)
		require.Equal(f.t, f.clock.Now(), f.profile(f.user).ModifiedTime)
		for _, name := range []string{first, "", content.Image.Hash, strings.ToUpper(second), "%", second + " ", "\xff", strings.Repeat("0", 40)} {
			_, err := get(name)
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.user.User.ID)
		_, err = get(second)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		f.exec(`UPDATE users SET status = 1 WHERE id = $1`, f.user.User.ID)

		f.clock.Advance(time.Minute)
		_, err = s.RemoveImage(t.Context(), accounts.ImageRequest{Actor: actor(f.user), Image: api.Ref{Hash: content.Image.Hash}})
		require.NoError(f.t, err)
		_, err = get(second)
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.Empty(f.t, f.profile(f.user).Picture)
		require.Equal(f.t, f.clock.Now(), f.profile(f.user).ModifiedTime, "it tells of that, too")
	})
}
