package accounts

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const uliMail = "uli@example.com"

// ask begins a challenge of a login.
func (f *fixture) ask(user int64) (ch accounts.Challenge) {
	f.t.Helper()
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		u, err := store.UserByID(ctx, tx, user)
		require.NoError(f.t, err)
		ch, err = f.factors.challenge.Start(ctx, tx, challenge.Request{User: u, Origin: browser})
		return err
	}))
	return ch
}

func (f *fixture) answerBy(user, ch int64, code string) (accounts.Confirmation, error) {
	return f.ConfirmCode(f.t.Context(), accounts.ConfirmCodeRequest{User: user, Challenge: ch, Code: code, Origin: browser})
}

// join lets a user into another one's hub.
func (f *fixture) enlist(user, hub int64, role accounts.Role) {
	f.t.Helper()
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		u, err := store.UserByID(ctx, tx, user)
		require.NoError(f.t, err)
		return store.Join(ctx, tx, hub, u, role, f.clock.Now())
	}))
}

func (f *fixture) initiateRecovery(login string) {
	f.t.Helper()
	_, err := f.InitiateRecovery(f.t.Context(), accounts.InitiateResetRequest{Login: login, Origin: browser})
	require.NoError(f.t, err)
}

// openRecovery asks for a recovery and opens the link.
func (f *fixture) openRecovery(login string) {
	f.t.Helper()
	f.initiateRecovery(login)
	links := f.mails(login, mail.Recovery)
	require.NotEmpty(f.t, links)
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, state, err := store.OpenMailedLink(ctx, tx, ids.Digest(linkOf(links[len(links)-1])), f.clock.Now(), store.RecoveryLink)
		require.Equal(f.t, store.LinkOpened, state)
		return err
	}))
}

// request hands a recovery in.
func (f *fixture) request(i accounts.Identity) {
	f.t.Helper()
	f.openRecovery(i.User.Email)
	_, err := f.ConfirmRecovery(f.t.Context(), accounts.ConfirmLinkRequest{User: i.User.ID, Origin: browser})
	require.NoError(f.t, err)
}

func (f *fixture) listRecoveries(a api.Actor) accounts.RecoveryList {
	f.t.Helper()
	list, err := f.ListRecoveries(f.t.Context(), accounts.ListRequest{Actor: a, Page: api.Page{Number: 1, Size: 25}})
	require.NoError(f.t, err)
	return list
}

func (f *fixture) decide(a api.Actor, r accounts.Recovery, approve bool) error {
	_, err := f.DecideRecovery(f.t.Context(), accounts.DecideRecoveryRequest{Actor: a, Recovery: api.Ref{ID: r.ID}, Approve: approve})
	return err
}

// recoveryCodes are those of approvals that the user has got.
func (f *fixture) recoveryCodes(to string) (codes []string) {
	f.t.Helper()
	for _, m := range f.mails(to, mail.RecoveryCode) {
		codes = append(codes, m.Data["code"])
	}
	return codes
}

// pair is Olli, who owns a hub, and Uli, who is in it with the role and has lost
// an app.
func (f *fixture) pair(role accounts.Role) (olli api.Actor, uli accounts.Identity) {
	f.t.Helper()
	olli = as(f.register(olliMail))
	uli = f.join(uliMail, *olli.Hub, role)
	f.give(as(uli), accounts.ChannelApp)
	return olli, uli
}

func TestARecoveryFromEndToEnd(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleUser)
		f.give(as(uli), accounts.ChannelSMS)
		old := f.listFactors(as(uli))
		f.request(uli)
		require.Contains(f.t, f.notices(uliMail), string(mail.RecoveryConfirmed))
		asked := f.mails(olliMail, mail.RecoveryRequest)
		require.Len(f.t, asked, 1)
		require.Equal(f.t, map[string]string{"name": "Olli Kahn", "email": uliMail, "hub": "Nordantech"}, asked[0].Data)

		list := f.listRecoveries(olli)
		require.Equal(f.t, 1, list.Total)
		r := list.Recoveries[0]
		require.Equal(f.t, []any{uli.User.ID, "192.0.2.7", "Browser/1"}, []any{r.User.ID, r.Address, r.UserAgent})
		require.Equal(f.t, f.clock.Now(), r.ConfirmedTime)
		require.NoError(f.t, f.decide(olli, r, true))
		requireFault(f.t, f.decide(olli, r, true), fault.NotFound, "fault.not_found")
		requireFault(f.t, f.decide(olli, r, false), fault.NotFound, "fault.not_found")
		require.Equal(f.t, accounts.RecoveryList{Recoveries: []accounts.Recovery{}}, f.listRecoveries(olli))

		codes := f.recoveryCodes(uliMail)
		require.Len(f.t, codes, 1)
		require.Regexp(f.t, `^([0-9a-z]{5}-){3}[0-9a-z]{5}$`, codes[0])
		require.NotContains(f.t, f.dump("recoveries"), codes[0])
		ch := f.ask(uli.User.ID)
		confirmation, err := f.answerBy(uli.User.ID, ch.ID, codes[0])
		require.NoError(f.t, err)
		require.Equal(f.t, "recovery", confirmation.Method)
		_, replace, ok, err := f.factors.challenge.Confirmed(t.Context(), f.db, uli.User.ID, ch.ID)
		require.NoError(f.t, err)
		require.True(f.t, ok && replace)
		_, err = f.answerBy(uli.User.ID, f.ask(uli.User.ID).ID, codes[0])
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")

		coming := admitting(uli)
		coming.Challenge = &ch.ID
		f.step(accounts.StepFactor, coming)
		session := as(uli)
		session.MFA = &ch.ID
		e, confirmed := f.give(session, accounts.ChannelApp)
		require.Len(f.t, confirmed.RecoveryCodes, 10, "in the place of the old ones")
		now := f.listFactors(session)
		require.Len(f.t, old.Factors, 2)
		require.Len(f.t, now.Factors, 1, "the lost ones are gone")
		require.Equal(f.t, e.Factor.ID, now.Factors[0].ID)
		require.Equal(f.t, 10, now.RecoveryCodes)
		channel, replace, ok, err := f.factors.challenge.Confirmed(t.Context(), f.db, uli.User.ID, ch.ID)
		require.NoError(f.t, err)
		require.Equal(f.t, []any{accounts.ChannelApp, false, true}, []any{channel, replace, ok})

		f.in(coming)

		f.give(session, accounts.ChannelSMS)
		require.Len(f.t, f.listFactors(session).Factors, 2, "a further one takes the place of none")
	})
}

func TestARecoveryIsRejected(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleOwner)
		f.request(uli)
		require.NoError(f.t, f.decide(olli, f.listRecoveries(olli).Recoveries[0], false))
		require.Contains(f.t, f.notices(uliMail), string(mail.RecoveryRejected))
		require.Empty(f.t, f.recoveryCodes(uliMail))
		require.Empty(f.t, f.listRecoveries(olli).Recoveries)
	})
}

func TestWhoMayDecide(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleOwner)
		f.request(uli)
		r := f.listRecoveries(olli).Recoveries[0]
		user := as(f.register("member@example.com"))
		elsewhere := user
		user.Hub = olli.Hub
		requireFault(f.t, f.decide(user, r, true), fault.Forbidden, "fault.no_access") // not in it
		for _, tt := range []struct {
			role    accounts.Role
			message string
		}{
			{accounts.RolePassive, "fault.no_access"},
			{accounts.RoleUser, "fault.forbidden"},
			{accounts.RoleAdministrator, "fault.forbidden"},
			{accounts.RoleTechnicalAdministrator, "fault.forbidden"}, // lower than the user's
		} {
			f.exec(`DELETE FROM memberships WHERE user_id = $1 AND hub_id = $2`, user.User, *olli.Hub)
			f.enlist(user.User, *olli.Hub, tt.role)
			requireFault(f.t, f.decide(user, r, true), fault.Forbidden, tt.message)
		}
		require.Len(f.t, f.listRecoveries(user).Recoveries, 1, "a technical administrator sees it")
		f.exec(`UPDATE memberships SET role = 3 WHERE user_id = $1`, user.User)
		_, err := f.ListRecoveries(t.Context(), accounts.ListRequest{Actor: user})
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden")

		requireFault(f.t, f.decide(as(uli), r, true), fault.Forbidden, "fault.forbidden") // oneself
		f.exec(`UPDATE memberships SET role = 5 WHERE user_id = $1`, user.User)
		requireFault(f.t, f.decide(elsewhere, r, true), fault.NotFound, "fault.not_found")
		impersonated, token, hubless := olli, olli, olli
		impersonated.Impersonator, token.PAT, hubless.Hub = &user.User, &user.User, nil
		requireFault(f.t, f.decide(impersonated, r, true), fault.Forbidden, "fault.impersonating")
		requireFault(f.t, f.decide(token, r, true), fault.Forbidden, "fault.personal_token")
		requireFault(f.t, f.decide(hubless, r, true), fault.Forbidden, "fault.hub_required")
		for _, ref := range []api.Ref{{}, {ID: 1 << 40}, {Hash: "\xff"}, {Hash: ids.New()}} {
			_, err := f.DecideRecovery(t.Context(), accounts.DecideRecoveryRequest{Actor: olli, Recovery: ref, Approve: true})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		f.exec(`DELETE FROM memberships WHERE user_id = $1`, uli.User.ID)
		requireFault(f.t, f.decide(olli, r, true), fault.NotFound, "fault.not_found") // has left
		require.Empty(f.t, f.recoveryCodes(uliMail))
	})
}

func TestDecidedOnceOfManyAtOnce(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleUser)
		f.request(uli)
		r := f.listRecoveries(olli).Recoveries[0]
		requireOne(f.t, atOnce(6, func(i int) error { return f.decide(olli, r, i%2 == 0) }), fault.NotFound)
		told := len(f.recoveryCodes(uliMail))
		for _, event := range f.notices(uliMail) {
			if event == string(mail.RecoveryRejected) {
				told++
			}
		}
		require.Equal(f.t, 1, told)
	})
}

func TestTheCodeOfAnApprovalExpires(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli, uli := f.pair(accounts.RoleUser)
		f.request(uli)
		require.NoError(f.t, f.decide(olli, f.listRecoveries(olli).Recoveries[0], true))
		code := f.recoveryCodes(uliMail)[0]
		_, err := f.answerBy(olli.User, f.ask(olli.User).ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong") // somebody else's
		f.clock.Advance(24 * time.Hour)
		_, err = f.answerBy(uli.User.ID, f.ask(uli.User.ID).ID, code)
		requireFault(f.t, err, fault.Unauthenticated, "fault.code_wrong")
	})
}
