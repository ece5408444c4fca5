package accounts

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const fortnight = 14 * 24 * time.Hour

// invite lists somebody and mails the invitation.
func (f *team) invite(email string) (accounts.Member, string) {
	f.t.Helper()
	m := f.add(f.by(accounts.RoleAdministrator), email, true)
	return m, f.invitedLink(email)
}

func (f *team) about(m accounts.Member, role accounts.Role) accounts.MemberRequest {
	return accounts.MemberRequest{Actor: f.by(role), Member: api.Ref{Hash: m.User.Hash}}
}

// accepting is what accepts an opened invitation with an account.
func accepting(o accounts.OpenedLink) accounts.FinishActivationRequest {
	return accounts.FinishActivationRequest{
		Activation: o.Activation, User: o.User.ID, Kind: o.Kind, Password: olliPassword, Origin: browser,
	}
}

func TestANewcomerAccepts(t *testing.T) {
	onTeam(t, func(f *team) {
		f.clock.Advance(time.Minute)
		m, link := f.invite("new@example.com")
		opened := f.open(link)
		require.Equal(f.t, accounts.LinkInvitation, opened.Kind)
		require.Equal(f.t, "Nordantech", opened.HubName)
		require.Equal(f.t, "Uli", opened.User.FirstName)

		// What the hub decides meanwhile counts.
		role := accounts.RoleAdministrator
		_, err := f.update(f.by(accounts.RoleOwner), api.Ref{ID: m.User.ID}, func(r *accounts.UpdateMemberRequest) { r.Role = &role })
		require.NoError(f.t, err)
		identity, err := f.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
		require.Equal(f.t, f.hub, identity.Hub.ID)
		joined := f.get(ref(identity))
		require.Equal(f.t, accounts.RoleAdministrator, joined.Role)
		require.Equal(f.t, f.clock.Now(), *joined.JoinedTime)
		require.Nil(f.t, joined.InvitedTime)
		require.Equal(f.t, []any{identity.User.ID, "Uli", accounts.Active}, []any{joined.User.ID, joined.User.FirstName, joined.User.Status})
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM memberships WHERE user_id = $1 AND email = '' AND first_name = ''`, identity.User.ID))
		_, err = f.GetMember(t.Context(), f.about(m, accounts.RoleOwner))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		_, err = f.SendInvitation(t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleAdministrator), Member: ref(identity)})
		requireFault(f.t, err, fault.Conflict, "fault.member_joined")
	})
}

func TestAnActiveUserAccepts(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		_, link := f.invite("elsewhere@example.com")
		opened := f.open(link)
		require.Equal(f.t, "Olli", opened.User.FirstName, "their own name, to themselves")
		for password, broken := range map[string]string{"": "validation.required", "wrong-password": "validation.wrong_password"} {
			r := accepting(opened)
			r.Password = password
			_, err := f.FinishActivation(t.Context(), r)
			require.Equal(f.t, map[string][]string{"password": {broken}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		}
		require.Nil(f.t, f.get(api.Ref{ID: f.count(`SELECT number FROM memberships WHERE user_id = $1 AND hub_id = $2`, other.User.ID, f.hub)}).JoinedTime)

		requireOne(f.t, atOnce(4, func(int) error {
			identity, err := f.FinishActivation(t.Context(), accepting(opened))
			if err == nil && identity.Hub.ID != f.hub {
				err = fmt.Errorf("in hub %d", identity.Hub.ID)
			}
			return err
		}), fault.NotFound)
		require.NotNil(f.t, f.get(ref(other)).JoinedTime)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'invitation.accepted'`))
		account, err := f.Describe(t.Context(), accounts.DescribeRequest{User: other.User.ID, Hub: &f.hub})
		require.NoError(f.t, err)
		require.Equal(f.t, accounts.RoleUser, account.Role)
		require.Equal(f.t, "Olli", account.User.FirstName)
	})
}

func TestWhoIsDisabledCannotAccept(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		_, link := f.invite("elsewhere@example.com")
		opened := f.open(link)
		_, err := f.SendInvitation(t.Context(), f.about(f.get(api.Ref{
			ID: f.count(`SELECT number FROM memberships WHERE user_id = $1 AND hub_id = $2`, other.User.ID, f.hub),
		}), accounts.RoleOwner))
		require.NoError(f.t, err)
		link = f.invitedLink("elsewhere@example.com")
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, other.User.ID)
		_, err = f.FinishActivation(t.Context(), accepting(opened))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: link})
		requireFault(f.t, err, fault.Gone, "fault.link_used")
	})
}

// TestWhatElseIsOpenSurvives: a new link is about one hub, and so is accepting.
func TestWhatElseIsOpenSurvives(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		m, first := f.invite("new@example.com")
		r := adding(actor(other), "new@example.com", true)
		r.FirstName = "Manu"
		_, err := f.AddMember(t.Context(), r)
		require.NoError(f.t, err)
		second := f.invitedLink("new@example.com")
		own := f.initiate("new@example.com")

		_, err = f.SendInvitation(t.Context(), f.about(m, accounts.RoleAdministrator))
		require.NoError(f.t, err)
		third := f.invitedLink("new@example.com")
		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: first})
		requireFault(f.t, err, fault.Gone, "fault.link_used")

		openedOwn := f.open(own)
		identity, err := f.FinishActivation(t.Context(), finishing(f.open(third)))
		require.NoError(f.t, err)
		require.Equal(f.t, f.hub, identity.Hub.ID)
		_, err = f.FinishActivation(t.Context(), finishing(openedOwn))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")

		opened := f.open(second)
		require.Equal(f.t, "Uli", opened.User.FirstName, "is somebody by now")
		identity, err = f.FinishActivation(t.Context(), accepting(opened))
		require.NoError(f.t, err)
		require.Equal(f.t, other.Hub.ID, identity.Hub.ID)
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM memberships WHERE user_id = $1 AND joined_time IS NOT NULL`, identity.User.ID))
	})
}

func TestWhoMaySendAndWithdraw(t *testing.T) {
	onTeam(t, func(f *team) {
		role := accounts.RoleTechnicalAdministrator
		r := adding(f.by(accounts.RoleOwner), "new@example.com", true)
		r.Role = &role
		m, err := f.AddMember(t.Context(), r)
		require.NoError(f.t, err)
		for _, by := range []accounts.Role{accounts.RolePassive, accounts.RoleUser, accounts.RoleAdministrator} {
			_, err := f.SendInvitation(t.Context(), f.about(m, by))
			require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, "role %d", by)
			_, err = f.WithdrawInvitation(t.Context(), f.about(m, by))
			require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, "role %d", by)
		}
		for _, fn := range []func(context.Context, accounts.MemberRequest) error{
			func(ctx context.Context, r accounts.MemberRequest) error {
				_, err := f.SendInvitation(ctx, r)
				return err
			},
			func(ctx context.Context, r accounts.MemberRequest) error {
				_, err := f.WithdrawInvitation(ctx, r)
				return err
			},
			func(ctx context.Context, r accounts.MemberRequest) error {
				_, err := f.RemoveMember(ctx, r)
				return err
			},
			func(ctx context.Context, r accounts.MemberRequest) error { _, err := f.GetMember(ctx, r); return err },
		} {
			err := fn(t.Context(), accounts.MemberRequest{Actor: actor(f.register(fmt.Sprint(f.clock.Now().UnixNano(), "@example.com"))), Member: api.Ref{ID: m.User.ID}})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
			f.clock.Advance(time.Second)
		}
		_, err = f.SendInvitation(t.Context(), f.about(m, accounts.RoleTechnicalAdministrator))
		require.NoError(f.t, err)
	})
}

func TestWithdraw(t *testing.T) {
	onTeam(t, func(f *team) {
		m, _ := f.invite("new@example.com")
		opened := f.open(f.invitedLink("new@example.com"))
		_, err := f.WithdrawInvitation(t.Context(), f.about(m, accounts.RoleAdministrator))
		require.NoError(f.t, err)
		_, err = f.FinishActivation(t.Context(), finishing(opened))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.Nil(f.t, f.get(api.Ref{ID: m.User.ID}).InvitedTime, "still listed")
		for _, who := range []api.Ref{{ID: m.User.ID}, ref(f.user)} {
			_, err = f.WithdrawInvitation(t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleOwner), Member: who})
			requireFault(f.t, err, fault.Conflict, "fault.no_invitation")
		}
		f.clock.Advance(fortnight)
		require.NoError(f.t, f.sweep(t.Context()))
		f.deliver()
		require.Len(f.t, f.mail.to("new@example.com"), 1, "mailed again after it was withdrawn")
	})
}

func TestSendsAreLimited(t *testing.T) {
	onTeam(t, func(f *team) {
		m, _ := f.invite("new@example.com")
		for range 4 {
			f.clock.Advance(time.Minute)
			sent, err := f.SendInvitation(t.Context(), f.about(m, accounts.RoleAdministrator))
			require.NoError(f.t, err)
			require.Equal(f.t, f.clock.Now(), *sent.InvitedTime)
		}
		_, err := f.SendInvitation(t.Context(), f.about(m, accounts.RoleAdministrator))
		throttled := requireFault(f.t, err, fault.Throttled, "fault.throttled")
		require.Equal(f.t, 24*time.Hour-4*time.Minute, throttled.RetryAfter)

		// Being taken off the list and put on it again does not reset it.
		_, err = f.RemoveMember(t.Context(), f.about(m, accounts.RoleAdministrator))
		require.NoError(f.t, err)
		_, err = f.AddMember(t.Context(), adding(f.by(accounts.RoleAdministrator), "new@example.com", true))
		requireFault(f.t, err, fault.Throttled, "fault.throttled")
		f.clock.Advance(throttled.RetryAfter)
		f.add(f.by(accounts.RoleAdministrator), "new@example.com", true)
	})
}

func TestAHubHasSoManyOpenInvitations(t *testing.T) {
	onTeam(t, func(f *team) {
		require.NoError(f.t, f.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			for i := range 1000 {
				_, err := tx.Exec(ctx, `INSERT INTO users (hash, email, email_key, status, language, locale, created_time, modified_time)
					VALUES ($1, $1, $1, 2, 0, 0, 1, 1)`, fmt.Sprint(i))
				if err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `INSERT INTO memberships (hub_id, user_id, number, hash, role, invited_time, created_time, modified_time)
				SELECT $1, id, id, hash, 2, $2, 1, 1 FROM users WHERE status = 2`, f.hub, db.Micros(f.clock.Now()))
			return err
		}))
		_, err := f.AddMember(t.Context(), adding(f.by(accounts.RoleOwner), "new@example.com", true))
		requireFault(f.t, err, fault.Conflict, "fault.too_many")
		m := f.add(f.by(accounts.RoleOwner), "new@example.com", false)
		_, err = f.SendInvitation(t.Context(), f.about(m, accounts.RoleOwner))
		requireFault(f.t, err, fault.Conflict, "fault.too_many")
		f.exec(`UPDATE memberships SET invited_time = NULL WHERE hash = '7'`)
		_, err = f.SendInvitation(t.Context(), f.about(m, accounts.RoleOwner))
		require.NoError(f.t, err)
		_, err = f.SendInvitation(t.Context(), f.about(m, accounts.RoleOwner))
		require.NoError(f.t, err, "the same one again")
	})
}

func TestInvitationsAreMailedAgain(t *testing.T) {
	onTeam(t, func(f *team) {
		m, link := f.invite("new@example.com")
		sweep := func() {
			f.t.Helper()
			for _, err := range atOnce(2, func(int) error { return f.sweep(t.Context()) }) { // as two processes would
				require.NoError(f.t, err)
			}
		}
		for i := range 3 {
			f.clock.Advance(fortnight - time.Second)
			sweep()
			f.deliver()
			require.Len(f.t, f.mail.to("new@example.com"), i+1)
			f.clock.Advance(time.Second)
			sweep()
			next := f.invitedLink("new@example.com")
			require.Len(f.t, f.mail.to("new@example.com"), i+2)
			_, err := f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: link})
			requireFault(f.t, err, fault.Gone, "fault.link_used")
			link = next
		}
		f.clock.Advance(fortnight - time.Second)
		opened := f.open(link)
		f.clock.Advance(time.Second)
		sweep()
		f.deliver()
		require.Len(f.t, f.mail.to("new@example.com"), 4, "mailed too often")
		require.Nil(f.t, f.get(api.Ref{ID: m.User.ID}).InvitedTime)
		_, err := f.FinishActivation(t.Context(), finishing(opened))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")

		_, err = f.SendInvitation(t.Context(), f.about(m, accounts.RoleAdministrator))
		require.NoError(f.t, err)
		identity, err := f.FinishActivation(t.Context(), finishing(f.open(f.invitedLink("new@example.com"))))
		require.NoError(f.t, err)
		require.Equal(f.t, f.hub, identity.Hub.ID)
		f.clock.Advance(fortnight)
		sweep()
		f.deliver()
		sent := f.mail.to("new@example.com")
		require.Equal(f.t, mail.Invitation, sent[len(sent)-1].Template)
		require.Len(f.t, sent, 5, "mailed after it was accepted")
	})
}
