package accounts

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

const newPassword = "Wildgans-am-Kanal"

// ender is a sessions service that notes what is to end.
type ender struct {
	sessions.Service

	mu    sync.Mutex
	ended []sessions.EndAllRequest
}

func (e *ender) EndAll(_ context.Context, r sessions.EndAllRequest) (api.Nothing, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = append(e.ended, r)
	return api.Nothing{}, nil
}

// onEachWithSessions runs the test with a service on each database, and gives it
// what was to end.
func onEachWithSessions(t *testing.T, test func(f *fixture, ended func() []sessions.EndAllRequest)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, accounts.Name, Migrations, func(t *testing.T, d *db.DB) {
		e := &ender{}
		f := newFixture(t, d, func(_ *Config, d *Deps) { d.Sessions = e })
		test(f, func() []sessions.EndAllRequest {
			f.deliver()
			e.mu.Lock()
			defer e.mu.Unlock()
			all := e.ended
			e.ended = nil
			return all
		})
	})
}

// forget asks for a link, and gives it.
func (f *fixture) forget(login, address string) (link string) {
	f.t.Helper()
	before := len(f.mails(address, mail.PasswordReset))
	_, err := f.InitiateReset(f.t.Context(), accounts.InitiateResetRequest{Login: login, Origin: browser})
	require.NoError(f.t, err)
	sent := f.mails(address, mail.PasswordReset)
	require.Len(f.t, sent, before+1)
	link = linkOf(sent[before])
	require.Equal(f.t, publicURL+"/reset/"+link, sent[before].Data["url"])
	return link
}

func (f *fixture) resetTo(link, password string) (accounts.Identity, error) {
	return f.FinishReset(f.t.Context(), accounts.FinishResetRequest{
		Reset: link, Password: password, PasswordConfirmation: password, Origin: abroad,
	})
}

func TestReset(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, ended func() []sessions.EndAllRequest) {
		before := f.register(olliMail)
		f.exec(`UPDATE users SET alias = 'titan', alias_key = 'titan', password_update = TRUE, password_type = 2`)
		link := f.forget("TITAN", olliMail)
		f.clock.Advance(time.Hour - time.Microsecond)
		identity, err := f.resetTo(link, newPassword)
		require.NoError(f.t, err)
		require.Equal(f.t, before.Hub.ID, identity.Hub.ID)
		require.Equal(f.t, accounts.PasswordUser, identity.User.PasswordType)
		require.Equal(f.t, f.clock.Now(), identity.User.PasswordModifiedTime)
		require.False(f.t, identity.User.PasswordUpdate)
		require.True(f.t, identity.User.ModifiedTime.After(before.User.ModifiedTime))
		require.Equal(f.t, []sessions.EndAllRequest{{User: before.User.ID, UserHash: before.User.Hash, Before: f.clock.Now(), Tokens: true}}, ended())
		require.Equal(f.t, []string{"password_changed"}, f.notices(olliMail))
		require.EqualValues(f.t, 1, f.recorded("password.reset"))

		_, err = f.authenticate(olliMail, olliPassword)
		requireFault(f.t, err, fault.Unauthenticated, "fault.credentials")
		_, err = f.authenticate(olliMail, newPassword)
		require.NoError(f.t, err)
		r := admitting(identity)
		r.Proof = accounts.ProofLink
		f.in(r)
		_, err = f.resetTo(link, "Andere-Wildgans-im-Moor")
		requireFault(f.t, err, fault.NotFound, "fault.link_unknown")
	})
}

func TestLinksThatResetNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(f *fixture, link string) string{
		"expired":    func(f *fixture, link string) string { f.clock.Advance(time.Hour); return link },
		"superseded": func(f *fixture, link string) string { f.forget(olliMail, olliMail); return link },
		"unknown":    func(*fixture, string) string { return strings.Repeat("0", 40) },
		"no link":    func(*fixture, string) string { return "\x00" },
		"disabled":   func(f *fixture, link string) string { f.exec(`UPDATE users SET status = 0`); return link },
		"other address": func(f *fixture, link string) string {
			f.exec(`UPDATE users SET email = 'new@example.com'`)
			return link
		},
		"other kind": func(f *fixture, link string) string { f.exec(`UPDATE links SET kind = 'unlock'`); return link },
		"changed meanwhile": func(f *fixture, link string) string {
			_, err := f.change(f.actor(), olliPassword, "Graugans-am-Kanal")
			require.NoError(f.t, err)
			return link
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
				f.register(olliMail)
				link := spoil(f, f.forget(olliMail, olliMail))
				hashes := f.hashes.Load()
				_, err := f.resetTo(link, newPassword)
				requireFault(f.t, err, fault.NotFound, "fault.link_unknown")
				require.Equal(f.t, hashes, f.hashes.Load())
			})
		})
	}
}

// TestAPasswordThatBreaksRulesCostsNoLink and names all of them.
func TestAPasswordThatBreaksRulesCostsNoLink(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
		f.register(olliMail)
		link := f.forget(olliMail, olliMail)
		hashes := f.hashes.Load()
		_, err := f.FinishReset(t.Context(), accounts.FinishResetRequest{Reset: link, Password: "kahn\x00", PasswordConfirmation: "x"})
		require.Equal(f.t, map[string][]string{"password": {
			"validation.password_too_short", "validation.control_characters", "validation.password_contains_identity", "validation.confirmed",
		}}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		_, err = f.resetTo(link, "strawberry")
		require.Equal(f.t, []string{"validation.weak"}, messageIDs(fault.From(err))["password"])
		require.Equal(f.t, hashes, f.hashes.Load(), "compared what could not do anyway")
		_, err = f.resetTo(link, olliPassword)
		require.Equal(f.t, []string{"validation.password_reused"}, messageIDs(fault.From(err))["password"])
		_, err = f.resetTo(link, newPassword)
		require.NoError(f.t, err)
	})
}

func TestResetsAtOnce(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, ended func() []sessions.EndAllRequest) {
		f.register(olliMail)
		link := f.forget(olliMail, olliMail)
		requireOne(f.t, atOnce(2, func(i int) error {
			_, err := f.resetTo(link, newPassword+string(rune('a'+i)))
			return err
		}), fault.NotFound)
		require.Len(f.t, ended(), 1)
		require.Len(f.t, f.notices(olliMail), 1)
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM password_history`))
	})
}

// TestAResetAndAChangeAtOnce leave one password, and no link that would set
// another one.
func TestAResetAndAChangeAtOnce(t *testing.T) {
	onEachWithSessions(t, func(f *fixture, _ func() []sessions.EndAllRequest) {
		f.register(olliMail)
		link, actor := f.forget(olliMail, olliMail), f.actor()
		won := ""
		for i, err := range atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = f.resetTo(link, newPassword)
			} else {
				_, err = f.change(actor, olliPassword, "Graugans-am-Kanal")
			}
			return err
		}) {
			if err == nil {
				require.Empty(f.t, won, "both")
				won = []string{newPassword, "Graugans-am-Kanal"}[i]
			}
		}
		_, err := f.authenticate(olliMail, won)
		require.NoError(f.t, err)
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM links WHERE used_time IS NULL AND revoked_time IS NULL`))
	})
}

// TestMailsOfResets are three an hour, and none for others than active users;
// all of them get the same answer.
func TestMailsOfResets(t *testing.T) {
	onEach(t, func(f *fixture) {
		f.cast()
		ask := func(login string, times int) {
			for _, err := range atOnce(times, func(int) error {
				answer, err := f.InitiateReset(t.Context(), accounts.InitiateResetRequest{Login: login, Origin: browser})
				require.Equal(f.t, api.Nothing{}, answer)
				return err
			}) {
				require.NoError(f.t, err)
			}
		}
		for _, login := range append(names, olliMail, "\x00", "a@", strings.Repeat("x", 1000)) {
			ask(login, 2*enough)
		}
		for login, want := range map[string]int{olliMail: enough, names[0]: 0, names[1]: 0, names[2]: 0, names[3]: enough} {
			require.Len(f.t, f.mails(login, mail.PasswordReset), want, login)
		}
		f.clock.Advance(time.Hour)
		ask(olliMail, 1)
		require.Len(f.t, f.mails(olliMail, mail.PasswordReset), enough+1)
		link := linkOf(f.last(names[3], mail.PasswordReset))
		require.NotEmpty(f.t, link)
		_, err := f.InitiateReset(t.Context(), accounts.InitiateResetRequest{})
		require.Equal(f.t, map[string][]string{"user": {"validation.required"}}, messageIDs(fault.From(err)))
	})
}
