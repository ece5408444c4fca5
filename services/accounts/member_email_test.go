package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const newMail = "new@example.com"

// askFor asks for another address, of the user.
func (f *team) askFor(email string) accounts.Member {
	f.t.Helper()
	m, err := f.update(actor(f.user), ref(f.user), func(r *accounts.UpdateMemberRequest) {
		r.Email, r.CurrentPassword = &email, olliPassword
	})
	require.NoError(f.t, err)
	require.Equal(f.t, "user@example.com", m.User.Email, "it counts once it is confirmed")
	f.deliver()
	return m
}

func (f *team) lastMail(email string) mail.SendRequest {
	f.t.Helper()
	sent := f.mail.to(email)
	require.NotEmpty(f.t, sent)
	return sent[len(sent)-1]
}

func (f *team) confirm(user accounts.Identity) error {
	_, err := f.ConfirmEmail(f.t.Context(), accounts.ConfirmLinkRequest{User: user.User.ID, Origin: browser})
	return err
}

func TestANewAddress(t *testing.T) {
	onTeam(t, func(f *team) {
		requireFault(f.t, f.confirm(f.user), fault.NotFound, "fault.not_found")
		f.askFor("NEW@Example.com")
		m := f.lastMail(newMail)
		require.Equal(f.t, mail.EmailChange, m.Template)
		require.Equal(f.t, publicURL+"/link/"+linkOf(m), m.Data["url"])
		requireFault(f.t, f.confirm(f.user), fault.NotFound, "fault.not_found") // not opened

		opened := f.open(linkOf(m))
		require.Equal(f.t, accounts.LinkEmail, opened.Kind)
		require.Equal(f.t, "NEW@example.com", opened.User.Email, "does not disclose the present address")
		require.Empty(f.t, opened.Activation)
		_, err := f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: linkOf(m)})
		requireFault(f.t, err, fault.Gone, "fault.link_used")
		requireFault(f.t, f.confirm(f.admin), fault.NotFound, "fault.not_found")

		f.clock.Advance(time.Hour - time.Second)
		requireOne(f.t, atOnce(3, func(int) error { return f.confirm(f.user) }), fault.NotFound)
		user := f.get(ref(f.user)).User
		require.Equal(f.t, "NEW@example.com", user.Email)
		require.True(f.t, user.EmailVerified)
		_, err = f.authenticate(newMail, olliPassword)
		require.NoError(f.t, err)
		_, err = f.authenticate("user@example.com", olliPassword)
		requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
		require.Equal(f.t, []string{"email_changed "}, f.notices("user@example.com"))
		require.Empty(f.t, f.notices(newMail))
		require.Empty(f.t, f.endedOf(f.user), "sessions stay")
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'user.email_changed'`))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%new@%'`))
	})
}

func TestALinkToAnAddressExpires(t *testing.T) {
	onTeam(t, func(f *team) {
		f.askFor(newMail)
		first := linkOf(f.lastMail(newMail))
		f.askFor(newMail)
		second := linkOf(f.lastMail(newMail))
		_, err := f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: first})
		requireFault(f.t, err, fault.Gone, "fault.link_used")
		f.clock.Advance(24*time.Hour - time.Second)
		f.open(second)
		f.clock.Advance(time.Hour)
		requireFault(f.t, f.confirm(f.user), fault.NotFound, "fault.not_found")

		f.askFor(newMail)
		third := linkOf(f.lastMail(newMail))
		f.clock.Advance(24 * time.Hour)
		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: third})
		requireFault(f.t, err, fault.Gone, "fault.link_used")

		f.askFor(newMail)
		f.open(linkOf(f.lastMail(newMail)))
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.user.User.ID)
		requireFault(f.t, f.confirm(f.user), fault.NotFound, "fault.not_found")
	})
}

// TestAnAddressThatIsSomebodys is answered like any other.
func TestAnAddressThatIsSomebodys(t *testing.T) {
	onTeam(t, func(f *team) {
		free := f.askFor("free@example.com")
		taken := f.askFor("ADMIN@example.com")
		require.Equal(f.t, free, taken)
		require.Equal(f.t, mail.AccountExists, f.lastMail("admin@example.com").Template)

		f.clock.Advance(time.Hour)
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.admin.User.ID)
		before := len(f.mail.to("admin@example.com"))
		require.Equal(f.t, free, f.askFor("admin@example.com"))
		require.Len(f.t, f.mail.to("admin@example.com"), before, "a disabled user got mail")
	})
}

func TestAnAddressThatBecomesSomebodys(t *testing.T) {
	onTeam(t, func(f *team) {
		f.askFor(newMail)
		f.open(linkOf(f.lastMail(newMail)))
		f.register(newMail)
		requireFault(f.t, f.confirm(f.user), fault.Conflict, "fault.conflict")
		require.Equal(f.t, "user@example.com", f.get(ref(f.user)).User.Email)
		require.Empty(f.t, f.notices("user@example.com"))
	})
}

// TestAnAddressThatWasInvited: whoever owns it is who was meant.
func TestAnAddressThatWasInvited(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		_, err := f.AddMember(t.Context(), adding(actor(other), newMail, true))
		require.NoError(f.t, err)
		invited := f.invitedLink(newMail)
		f.add(f.by(accounts.RoleOwner), newMail, false) // where they are already
		f.askFor(newMail)
		f.open(linkOf(f.lastMail(newMail)))
		require.NoError(f.t, f.confirm(f.user))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE status = 2`))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM memberships WHERE hub_id = $1 AND user_id = $2`, f.hub, f.user.User.ID))

		identity, err := f.FinishActivation(t.Context(), accepting(f.open(invited)))
		require.NoError(f.t, err)
		require.Equal(f.t, []int64{f.user.User.ID, other.Hub.ID}, []int64{identity.User.ID, identity.Hub.ID})
	})
}

func TestAddressesAreAskedForOnlySoOften(t *testing.T) {
	onTeam(t, func(f *team) {
		for _, local := range strings.Split("a b c d e", " ") {
			f.askFor(local + "@example.com")
			f.clock.Advance(time.Minute)
		}
		require.Len(f.t, f.mail.to("c@example.com"), 1)
		require.Empty(f.t, f.mail.to("d@example.com"))
		require.Empty(f.t, f.mail.to("e@example.com"))
		f.open(linkOf(f.lastMail("c@example.com")))
		f.clock.Advance(time.Hour - 5*time.Minute)
		f.askFor("f@example.com")
		require.Len(f.t, f.mail.to("f@example.com"), 1)
		requireFault(f.t, f.confirm(f.user), fault.NotFound, "fault.not_found") // superseded, though opened
	})
}

func TestThePresentAddressIsNoChange(t *testing.T) {
	onTeam(t, func(f *team) {
		email := "user@example.com"
		before := len(f.mail.to(email))
		_, err := f.update(actor(f.user), ref(f.user), func(r *accounts.UpdateMemberRequest) {
			r.Email, r.CurrentPassword = &email, "whatever"
		})
		require.NoError(f.t, err)
		f.deliver()
		require.Len(f.t, f.mail.to(email), before)
		f.askFor("User@example.com")
		f.open(linkOf(f.lastMail(email)))
		require.NoError(f.t, f.confirm(f.user))
		require.Equal(f.t, "User@example.com", f.get(ref(f.user)).User.Email)
	})
}
