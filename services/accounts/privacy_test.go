package accounts

import (
	"encoding/json"
	"fmt"
	"image/color"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

const grace = 30 * 24 * time.Hour

func (f *fixture) requestDeletion(i accounts.Identity) (accounts.Deletion, error) {
	f.t.Helper()
	return f.RequestDeletion(f.t.Context(), accounts.RequestDeletionRequest{Actor: actor(i), Password: olliPassword})
}

// passGrace lets the grace of a request pass, and sweeps.
func (f *fixture) passGrace() {
	f.t.Helper()
	f.clock.Advance(grace)
	require.NoError(f.t, f.records.sweep(f.t.Context()))
}

func (f *fixture) isThere(i accounts.Identity) bool {
	f.t.Helper()
	return f.count(`SELECT COUNT(*) FROM users WHERE id = $1`, i.User.ID) == 1
}

// notExported are the tables with something about users that an export leaves
// out, and why.
var notExported = map[string]string{
	"credentials":        "a secret",
	"password_history":   "secrets",
	"links":              "secrets of mails that were sent",
	"challenges":         "secrets of a login, gone within a day",
	"tallies":            "attempts, gone within a day; the events tell of them",
	"passkey_ceremonies": "secrets of a login, gone within minutes",
}

// TestEverythingAboutAUserIsExported reads from the database which tables tell
// about users.
func TestEverythingAboutAUserIsExported(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		exported := map[string]bool{"factors": true} // not as it is
		for _, s := range store.Sections() {
			exported[s.Table] = true
		}
		for _, table := range f.tables() {
			if !slices.Contains(f.columns(table), "user_id") {
				continue
			}
			require.True(f.t, exported[table] || notExported[table] != "", "is %s exported, and if not, why?", table)
			require.False(f.t, exported[table] && notExported[table] != "", table)
			delete(exported, table)
		}
		require.Equal(f.t, map[string]bool{"users": true}, exported, "the only one that names the user otherwise")
	})
}

func TestAnAccountIsExported(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		user := f.register(olliMail)
		_, err := f.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(user), Data: aPicture(f.t, color.Black)})
		require.NoError(f.t, err)
		_, err = f.LinkIdentity(t.Context(), accounts.LinkIdentityRequest{Actor: actor(user), Identity: upstream("1")})
		require.NoError(f.t, err)
		_, err = f.UpdateProfile(t.Context(), accounts.UpdateProfileRequest{Actor: actor(user), Member: ref(user), Birthdate: to("1969-06-15")})
		require.NoError(f.t, err)
		sms, err := f.factors.challenge.Seal(accounts.ChannelSMS, "f1", "+4915123456789")
		require.NoError(f.t, err)
		seed, err := f.factors.challenge.Seal(accounts.ChannelApp, "f2", "JBSWY3DPEHPK3PXP")
		require.NoError(f.t, err)
		for i, sealed := range [][]byte{sms, seed} {
			f.exec(`INSERT INTO factors (hash, user_id, channel, sealed, created_time, modified_time) VALUES ($1, $2, $3, $4, 1, 1)`,
				fmt.Sprint("f", i+1), user.User.ID, i+2, sealed)
		}
		export, err := f.local(api.Gateway).ExportAccount(t.Context(), accounts.ActorRequest{Actor: actor(user)})
		require.NoError(f.t, err)
		var got struct {
			Account     map[string]any   `json:"account"`
			Memberships []map[string]any `json:"memberships"`
			Invitations []map[string]any `json:"invitations"`
			Factors     []map[string]any `json:"factors"`
			Identities  []map[string]any `json:"identities"`
			Image       map[string]any   `json:"image"`
			Profile     map[string]any   `json:"profile"`
			Passkeys    []map[string]any `json:"passkeys"`
			Events      []map[string]any `json:"events"`
		}
		require.NoError(f.t, json.Unmarshal(export.Data, &got))
		require.Equal(f.t, []any{olliMail, "Olli", true, user.User.Hash, nil},
			[]any{got.Account["email"], got.Account["first_name"], got.Account["email_verified"], got.Account["hash"], got.Account["deletion_time"]})
		require.Equal(f.t, f.clock.Now().Format(time.RFC3339), got.Account["created_time"])
		require.Len(f.t, got.Memberships, 1)
		require.Equal(f.t, []any{"Nordantech", user.Hub.Hash, 5.0},
			[]any{got.Memberships[0]["hub_name"], got.Memberships[0]["hub"], got.Memberships[0]["role"]})
		require.Len(f.t, got.Invitations, 1)
		require.Len(f.t, got.Factors, 2)
		require.Equal(f.t, "+49 ••• 789", got.Factors[0]["number"])
		require.NotContains(f.t, got.Factors[1], "number")
		require.Equal(f.t, "olli@example.net", got.Identities[0]["email"])
		require.Equal(f.t, "image/jpeg", got.Image["mime"])
		require.Equal(f.t, "1969-06-15", got.Profile["birthdate"])
		require.Equal(f.t, []map[string]any{}, got.Passkeys)
		require.Equal(f.t, "user.exported", got.Events[len(got.Events)-1]["kind"])
		require.Equal(f.t, browser.Address, got.Events[len(got.Events)-1]["address"])
		for what, secret := range map[string]string{
			"a hash": "$argon2", "the seed": "JBSWY3DPEHPK3PXP", "the whole number": "15123456789", "a link": "digest",
		} {
			require.NotContains(f.t, string(export.Data), secret, what)
		}
	})
}

func TestWhoMayNotAskAboutAnAccount(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		user := f.register(olliMail)
		for message, a := range guarded(user) {
			_, err := f.ExportAccount(t.Context(), accounts.ActorRequest{Actor: a})
			requireFault(f.t, err, fault.Forbidden, message)
			_, err = f.RequestDeletion(t.Context(), accounts.RequestDeletionRequest{Actor: a, Password: olliPassword})
			requireFault(f.t, err, fault.Forbidden, message)
			_, err = f.CancelDeletion(t.Context(), accounts.ActorRequest{Actor: a})
			requireFault(f.t, err, fault.Forbidden, message)
		}
		for _, password := range []string{"", "wrong password"} {
			_, err := f.RequestDeletion(t.Context(), accounts.RequestDeletionRequest{Actor: actor(user), Password: password})
			require.Contains(f.t, requireFault(f.t, err, fault.Invalid, "fault.invalid").Fields, "password")
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE deletion_time IS NOT NULL`))
	})
}

func TestADeletionIsRequestedAndCancelled(t *testing.T) {
	onEachAmong(t, func(f *fixture, o *others) {
		user := f.register(olliMail)
		_, err := f.CancelDeletion(t.Context(), accounts.ActorRequest{Actor: actor(user)})
		requireFault(f.t, err, fault.Conflict, "fault.conflict")

		asked := f.clock.Now()
		deletion, err := f.requestDeletion(user)
		require.NoError(f.t, err)
		require.Equal(f.t, asked.Add(grace), deletion.DeletionTime)
		require.Equal(f.t, []string{"deletion_requested"}, f.notices(olliMail))
		require.Equal(f.t, asked.Add(grace).Format(time.RFC3339), f.last(olliMail, mail.SecurityNotice).Data["subject"])
		require.Equal(f.t, []sessions.EndAllRequest{{User: user.User.ID, UserHash: user.User.Hash, Before: asked, Tokens: true}}, o.ended)

		f.clock.Advance(time.Hour)
		again, err := f.requestDeletion(user)
		require.NoError(f.t, err)
		require.Equal(f.t, deletion, again, "who has asked keeps their time")
		_, err = f.authenticate(olliMail, olliPassword)
		require.NoError(f.t, err, "they can come back")
		account, err := f.Describe(t.Context(), accounts.DescribeRequest{User: user.User.ID})
		require.NoError(f.t, err)
		require.Equal(f.t, deletion.DeletionTime, *account.User.DeletionTime)
		require.True(f.t, account.User.ModifiedTime.After(user.User.ModifiedTime) || account.User.ModifiedTime.Equal(asked))

		_, err = f.CancelDeletion(t.Context(), accounts.ActorRequest{Actor: actor(user)})
		require.NoError(f.t, err)
		require.Equal(f.t, []string{"deletion_requested", "deletion_cancelled"}, f.notices(olliMail))
		f.passGrace()
		require.True(f.t, f.isThere(user))
		require.EqualValues(f.t, 1, f.recorded("user.deletion_requested"))
		require.EqualValues(f.t, 1, f.recorded("user.deletion_cancelled"))
	})
}

func TestAnAccountIsDeletedAfterItsGrace(t *testing.T) {
	onEachAmong(t, func(f *fixture, o *others) {
		user, other := f.register(olliMail), f.register("other@example.com")
		_, err := f.SetImage(t.Context(), accounts.SetImageRequest{Actor: actor(user), Data: aPicture(f.t, color.Black)})
		require.NoError(f.t, err)
		f.record("member.updated", other, 1) // by the other about the other
		f.exec(`UPDATE audit SET actor_id = $1, detail = '{"role":2}' WHERE kind = 'member.updated'`, user.User.ID)
		f.exec(`UPDATE audit SET detail = '{"name":"Olli"}' WHERE user_id = $1`, user.User.ID)
		_, err = f.requestDeletion(user)
		require.NoError(f.t, err)
		f.clock.Advance(grace - time.Second)
		require.NoError(f.t, f.records.sweep(t.Context()))
		require.True(f.t, f.isThere(user), "a second too early")

		f.clock.Advance(time.Second)
		require.NoError(f.t, f.sweep(t.Context()))
		require.False(f.t, f.isThere(user))
		require.True(f.t, f.isThere(other))
		require.Equal(f.t, []string{"deletion_requested", "account_deleted"}, f.notices(olliMail))
		require.Equal(f.t, []int64{user.User.ID}, o.forgotten)
		require.Equal(f.t, []string{user.User.Hash}, o.subjects)
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM hubs WHERE id = $1`, user.Hub.ID), "nobody else was in it")
		for _, table := range f.tables() {
			if table != "audit" && slices.Contains(f.columns(table), "user_id") {
				require.Zero(f.t, f.count(`SELECT COUNT(*) FROM `+table+` WHERE user_id = $1`, user.User.ID), table)
			}
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM audit WHERE user_id = $1 AND (address <> '' OR user_agent <> '' OR detail <> '{}')`, user.User.ID))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM audit WHERE actor_id = $1 AND (address <> '' OR user_agent <> '')`, user.User.ID))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE actor_id = $1 AND detail = '{"role":2}'`, user.User.ID), "about somebody else")
		require.EqualValues(f.t, 1, f.recorded("user.deleted"))
		require.EqualValues(f.t, 1, f.recorded("hub.deleted"))
		require.NotZero(f.t, f.count(`SELECT COUNT(*) FROM audit WHERE user_id = $1 AND address <> ''`, other.User.ID), "others' are as they were")

		again := f.register(olliMail)
		require.NotEqual(f.t, user.User.ID, again.User.ID, "the address is free, the number is not")
	})
}

func TestAHubKeepsAnOwnerWhoStays(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		owner := f.register(olliMail)
		member := f.join("member@example.com", owner.Hub.ID, accounts.RoleUser)
		_, err := f.requestDeletion(owner)
		requireFault(f.t, err, fault.Conflict, "fault.last_owner")
		require.Zero(f.t, f.recorded("user.deletion_requested"))
		f.exec(`UPDATE memberships SET joined_time = NULL WHERE user_id = $1`, member.User.ID)
		_, err = f.requestDeletion(owner)
		require.NoError(f.t, err, "nobody else has joined")
		_, err = f.CancelDeletion(t.Context(), accounts.ActorRequest{Actor: actor(owner)})
		require.NoError(f.t, err)
		f.exec(`UPDATE memberships SET joined_time = 1, role = 5 WHERE user_id = $1`, member.User.ID)

		_, err = f.requestDeletion(member)
		require.NoError(f.t, err, "there is another owner")
		_, err = f.requestDeletion(owner)
		requireFault(f.t, err, fault.Conflict, "fault.last_owner")
		f.passGrace()
		require.False(f.t, f.isThere(member))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'member.left' AND hub_id = $1 AND actor = 'system'`, owner.Hub.ID))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM hubs WHERE id = $1`, owner.Hub.ID))
	})
}

func TestADeletionWaitsForAnotherOwner(t *testing.T) {
	onEachAmong(t, func(f *fixture, _ *others) {
		owner := f.register(olliMail)
		_, err := f.requestDeletion(owner)
		require.NoError(f.t, err)
		second := f.join("second@example.com", owner.Hub.ID, accounts.RoleUser)
		f.passGrace()
		require.True(f.t, f.isThere(owner))
		require.Contains(f.t, f.log.String(), "an account is not deleted yet")
		require.Equal(f.t, db.Micros(f.clock.Now().Add(24*time.Hour)), f.count(`SELECT deletion_time FROM users WHERE id = $1`, owner.User.ID))

		f.exec(`UPDATE memberships SET role = 5 WHERE user_id = $1`, second.User.ID)
		f.clock.Advance(24*time.Hour - time.Second)
		require.NoError(f.t, f.records.sweep(t.Context()))
		require.True(f.t, f.isThere(owner))
		f.clock.Advance(time.Second)
		require.NoError(f.t, f.records.sweep(t.Context()))
		require.False(f.t, f.isThere(owner))
	})
}

// TestAnAccountIsDeletedOnce by several passes at once, and with both owners of a
// hub at once one of them stays.
func TestAnAccountIsDeletedOnce(t *testing.T) {
	onEachAmong(t, func(f *fixture, o *others) {
		user := f.register(olliMail)
		_, err := f.requestDeletion(user)
		require.NoError(f.t, err)
		f.clock.Advance(grace)
		for _, err := range atOnce(4, func(int) error { return f.records.sweep(t.Context()) }) {
			require.NoError(f.t, err)
		}
		require.EqualValues(f.t, 1, f.recorded("user.deleted"))
		f.deliver()
		require.Len(f.t, o.forgotten, 1)

		first := f.register("first@example.com")
		second := f.join("second@example.com", first.Hub.ID, accounts.RoleOwner)
		requireOne(f.t, atOnce(2, func(i int) error {
			_, err := f.requestDeletion([]accounts.Identity{first, second}[i])
			return err
		}), fault.Conflict)
	})
}
