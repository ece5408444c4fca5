package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func upstream(subject string) accounts.UpstreamIdentity {
	return accounts.UpstreamIdentity{
		Provider: "falcon", Issuer: "https://login.example.net", Subject: subject, Email: "olli@example.net", Name: "Olli", Origin: browser,
	}
}

func TestAnIdentityIsLinkedAndFound(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		user, other := f.register(olliMail), f.register("other@example.com")
		s, a := f.local(api.Gateway), actor(user)
		_, err := s.FindIdentity(t.Context(), upstream("1"))
		requireFault(f.t, err, fault.Unauthenticated, "fault.identity_unknown")

		linked, err := s.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: a, Identity: upstream("1")})
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.LinkedIdentity{
			ID: linked.ID, Hash: linked.Hash, Provider: "falcon", Email: "olli@example.net", Name: "Olli",
			CreatedTime: f.clock.Now(), ModifiedTime: f.clock.Now(),
		}, linked)
		for _, who := range []accounts.Identity{user, other} {
			_, err = s.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(who), Identity: upstream("1")})
			requireFault(f.t, err, fault.Conflict, "fault.identity_linked")
		}
		require.Equal(f.t, []string{"identity_linked"}, f.notices(olliMail))

		used := func() *time.Time {
			found, err := s.FindIdentity(t.Context(), upstream("1"))
			require.NoError(f.t, err)
			require.Equal(f.t, user.User.ID, found.User.ID)
			require.Equal(f.t, user.Hub.ID, found.Hub.ID)
			list, err := s.ListIdentities(t.Context(), accounts.ActorRequest{Actor: a})
			require.NoError(f.t, err)
			require.Len(f.t, list.Identities, 1)
			return list.Identities[0].LastUsedTime
		}
		first := f.clock.Now()
		require.Equal(f.t, first, *used())
		f.clock.Advance(24*time.Hour - time.Second)
		require.Equal(f.t, first, *used(), "noted once a day")
		f.clock.Advance(time.Second)
		require.Equal(f.t, f.clock.Now(), *used())

		list, err := s.ListIdentities(t.Context(), accounts.ActorRequest{Actor: actor(other)})
		require.NoError(f.t, err)
		require.Empty(f.t, list.Identities)
		f.exec(`UPDATE users SET status = 0`)
		_, err = s.FindIdentity(t.Context(), upstream("1"))
		requireFault(f.t, err, fault.Unauthenticated, "fault.identity_unknown")
	})
}

func TestAnIdentityIsUnlinked(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		user, other := f.register(olliMail), f.register("other@example.com")
		link := func(subject string) accounts.LinkedIdentity {
			linked, err := f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(user), Identity: upstream(subject)})
			require.NoError(f.t, err)
			return linked
		}
		unlink := func(who accounts.Identity, ref api.Ref) error {
			_, err := f.UnlinkIdentity(t.Context(), accounts.UnlinkIdentityRequest{Actor: actor(who), Identity: ref})
			return err
		}
		first, second := link("1"), link("2")
		requireFault(f.t, unlink(other, api.Ref{ID: first.ID}), fault.NotFound, "fault.not_found")
		f.exec(`DELETE FROM credentials`)
		require.NoError(f.t, unlink(user, api.Ref{Hash: first.Hash}))
		requireFault(f.t, unlink(user, api.Ref{ID: first.ID}), fault.NotFound, "fault.not_found")
		requireFault(f.t, unlink(user, api.Ref{ID: second.ID}), fault.Conflict, "fault.last_login")
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM identities`))
		require.Equal(f.t, []string{"identity_linked", "identity_linked", "identity_unlinked"}, f.notices(olliMail))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'identity.unlinked'`))

		f.exec(`INSERT INTO credentials (user_id, hash, created_time, modified_time) VALUES ($1, 'x', 1, 1)`, user.User.ID)
		require.NoError(f.t, unlink(user, api.Ref{ID: second.ID}))
	})
}

// TestTheLastOfTwoIdentitiesStays when both are unlinked at once.
func TestTheLastOfTwoIdentitiesStays(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		user := f.register(olliMail)
		var refs []api.Ref
		for _, subject := range []string{"1", "2"} {
			linked, err := f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(user), Identity: upstream(subject)})
			require.NoError(f.t, err)
			refs = append(refs, api.Ref{ID: linked.ID})
		}
		f.exec(`DELETE FROM credentials`)
		requireOne(f.t, atOnce(2, func(i int) error {
			_, err := f.UnlinkIdentity(t.Context(), accounts.UnlinkIdentityRequest{Actor: actor(user), Identity: refs[i]})
			return err
		}), fault.Conflict)
	})
}

func TestWhoMayNotLinkIdentities(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		user := f.register(olliMail)
		for message, a := range guarded(user) {
			_, err := f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: a, Identity: upstream("1")})
			requireFault(f.t, err, fault.Forbidden, message)
			_, err = f.UnlinkIdentity(t.Context(), accounts.UnlinkIdentityRequest{Actor: a, Identity: api.Ref{ID: 1}})
			requireFault(f.t, err, fault.Forbidden, message)
		}
		for field, change := range map[string]func(*accounts.UpstreamIdentity){
			"subject":  func(u *accounts.UpstreamIdentity) { u.Subject = "" },
			"issuer":   func(u *accounts.UpstreamIdentity) { u.Issuer = strings.Repeat("x", 513) },
			"provider": func(u *accounts.UpstreamIdentity) { u.Provider = "a\x00b" },
		} {
			u := upstream("1")
			change(&u)
			_, err := f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(user), Identity: u})
			require.Contains(f.t, requireFault(f.t, err, fault.Invalid, "fault.invalid").Fields, field)
			_, err = f.FindIdentity(t.Context(), u)
			require.Equal(f.t, fault.Invalid, fault.From(err).Kind)
		}
		for i := range 20 {
			_, err := f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(user), Identity: upstream(strings.Repeat("i", i+1))})
			require.NoError(f.t, err)
		}
		_, err := f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(user), Identity: upstream("0")})
		requireFault(f.t, err, fault.Conflict, "fault.too_many")
	})
}
