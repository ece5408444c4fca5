package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

func TestRegistrationCanBeOff(t *testing.T) {
	onEach(t, func(f *fixture) {
		for _, r := range []accounts.InitiateActivationRequest{registration(olliMail), {}} {
			_, err := f.InitiateActivation(t.Context(), r)
			requireFault(f.t, err, fault.Forbidden, "fault.registration_off")
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users`)+f.count(`SELECT COUNT(*) FROM outbox`))
		_, err := f.Invite(t.Context(), accounts.InviteRequest{Email: olliMail})
		require.NoError(f.t, err, "an invitation is no self-registration")
	}, func(c *Config, _ *Deps) { c.SelfRegistration = false })
}

func TestAnAddressWithAnAccount(t *testing.T) {
	onEach(t, func(f *fixture) {
		olli := f.register(olliMail)
		before := f.dump("users", "activations", "hubs", "memberships", "credentials")
		f.clock.Advance(time.Minute)

		stranger := registration(strings.ToUpper(olliMail))
		stranger.FirstName, stranger.Language = "Somebody", accounts.German
		_, err := f.InitiateActivation(t.Context(), stranger)
		require.NoError(f.t, err)
		f.deliver()
		sent := f.mail.to(olliMail)
		require.Len(f.t, sent, 2)
		require.Equal(f.t, mail.AccountExists, sent[1].Template)
		require.Equal(f.t, map[string]string{"url": publicURL + "/login"}, sent[1].Data)
		require.Equal(f.t, int(olli.User.Language), sent[1].Language, "the owner's language, not the stranger's")
		require.Equal(f.t, before, f.dump("users", "activations", "hubs", "memberships", "credentials"))

		f.exec(`UPDATE users SET status = $1`, accounts.Disabled)
		before = f.dump("users", "activations", "hubs", "memberships", "credentials")
		_, err = f.InitiateActivation(t.Context(), stranger)
		require.NoError(f.t, err)
		f.deliver()
		require.Len(f.t, f.mail.all(), 2, "a disabled user got mail")
		require.Equal(f.t, before, f.dump("users", "activations", "hubs", "memberships", "credentials"))
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'activation.refused'`))
	})
}

func TestAStrangerCannotRename(t *testing.T) {
	onEach(t, func(f *fixture) {
		mine := f.initiate(olliMail)
		stranger := registration(olliMail)
		stranger.FirstName, stranger.LastName, stranger.Language = "Somebody", "Else", accounts.German
		_, err := f.InitiateActivation(t.Context(), stranger)
		require.NoError(f.t, err)

		opened := f.open(mine)
		require.Equal(f.t, []string{"Olli", "Kahn"}, []string{opened.User.FirstName, opened.User.LastName})
		identity, err := f.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
		require.Equal(f.t, []string{"Olli", "Kahn"}, []string{identity.User.FirstName, identity.User.LastName})
		require.Equal(f.t, accounts.English, identity.User.Language)
	})
}

func TestAllLinksLiveUntilOneIsFinished(t *testing.T) {
	onEach(t, func(f *fixture) {
		first, second, third := f.initiate(olliMail), f.initiate(olliMail), f.initiate(olliMail)
		openedFirst, openedSecond := f.open(first), f.open(second)
		require.NotEqual(f.t, openedFirst.Activation, openedSecond.Activation)
		_, err := f.FinishActivation(t.Context(), finishing(openedSecond))
		require.NoError(f.t, err)

		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: third})
		requireFault(f.t, err, fault.Gone, "fault.link_used")
		_, err = f.FinishActivation(t.Context(), finishing(openedFirst))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM hubs`))
	})
}

func TestLinksAndActivationsExpire(t *testing.T) {
	onEach(t, func(f *fixture) {
		early, late := f.initiate(olliMail), f.initiate("late@example.com")
		f.clock.Advance(24*time.Hour - time.Second)
		opened := f.open(early)
		f.clock.Advance(time.Second)
		_, err := f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: late})
		requireFault(f.t, err, fault.Gone, "fault.link_used")

		f.clock.Advance(time.Hour - time.Second)
		_, err = f.FinishActivation(t.Context(), finishing(opened))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE status = 1`))

		opened = f.open(f.initiate(olliMail))
		f.clock.Advance(time.Hour - time.Second)
		_, err = f.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
	})
}

func TestFinishIsForTheRightUserAndKind(t *testing.T) {
	onEach(t, func(f *fixture) {
		mine, others := f.open(f.initiate(olliMail)), f.open(f.initiate("other@example.com"))
		unopened := f.initiate(olliMail)
		for name, change := range map[string]func(*accounts.FinishActivationRequest){
			"another user":       func(r *accounts.FinishActivationRequest) { r.User = others.User.ID },
			"no user":            func(r *accounts.FinishActivationRequest) { r.User = 0 },
			"another activation": func(r *accounts.FinishActivationRequest) { r.Activation = others.Activation },
			"no activation":      func(r *accounts.FinishActivationRequest) { r.Activation = "" },
			"the link itself":    func(r *accounts.FinishActivationRequest) { r.Activation = unopened },
			"not even text":      func(r *accounts.FinishActivationRequest) { r.Activation = "\x00\xff" },
			"another kind":       func(r *accounts.FinishActivationRequest) { r.Kind = accounts.LinkInvitation },
			"no kind":            func(r *accounts.FinishActivationRequest) { r.Kind = "" },
			"an unknown kind":    func(r *accounts.FinishActivationRequest) { r.Kind = "\x00" },
		} {
			r := finishing(mine)
			change(&r)
			_, err := f.FinishActivation(t.Context(), r)
			require.Equal(f.t, fault.NotFound, fault.From(err).Kind, "%s: %v", name, err)
		}
		require.Zero(f.t, f.hashes.Load(), "hashed for nothing")
		_, err := f.FinishActivation(t.Context(), finishing(mine))
		require.NoError(f.t, err)
	})
}

func TestBrokenRulesConsumeNothing(t *testing.T) {
	onEach(t, func(f *fixture) {
		opened := f.open(f.initiate(olliMail))
		before := f.dump("users", "activations", "hubs", "memberships", "credentials", "audit")
		long := strings.Repeat("ä", 1001)
		for name, tt := range map[string]struct {
			change func(*accounts.FinishActivationRequest)
			field  string
			broken []string
		}{
			"no terms":  {func(r *accounts.FinishActivationRequest) { r.Terms = false }, "terms", []string{"validation.accepted"}},
			"no hub":    {func(r *accounts.FinishActivationRequest) { r.Name = "" }, "name", []string{"validation.required"}},
			"long hub":  {func(r *accounts.FinishActivationRequest) { r.Name = long }, "name", []string{"validation.max_length"}},
			"NUL hub":   {func(r *accounts.FinishActivationRequest) { r.Name = "a\x00b" }, "name", []string{"validation.control_characters"}},
			"odd hub":   {func(r *accounts.FinishActivationRequest) { r.Name = "a\xff" }, "name", []string{"validation.utf8"}},
			"long name": {func(r *accounts.FinishActivationRequest) { r.FirstName = long }, "first_name", []string{"validation.max_length"}},
			"own name": {
				func(r *accounts.FinishActivationRequest) {
					r.Password, r.PasswordConfirmation = "ollikahn-2026", "ollikahn-2026"
				},
				"password", []string{"validation.password_contains_identity"},
			},
			"name given just now": {
				func(r *accounts.FinishActivationRequest) {
					r.LastName, r.Password, r.PasswordConfirmation = "Oliver", "oliver-oliver", "oliver-oliver"
				},
				"password", []string{"validation.password_contains_identity"},
			},
			"other": {func(r *accounts.FinishActivationRequest) { r.PasswordConfirmation += "!" }, "password", []string{"validation.confirmed"}},
		} {
			r := finishing(opened)
			tt.change(&r)
			_, err := f.FinishActivation(t.Context(), r)
			got := requireFault(f.t, err, fault.Invalid, "fault.invalid")
			require.Equal(f.t, map[string][]string{tt.field: tt.broken}, messageIDs(got), name)
		}
		require.Equal(f.t, before, f.dump("users", "activations", "hubs", "memberships", "credentials", "audit"))
		_, err := f.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
	})
}

func TestRegistrationRefusesBadInput(t *testing.T) {
	onEach(t, func(f *fixture) {
		for name, tt := range map[string]struct {
			change func(*accounts.InitiateActivationRequest)
			field  string
			broken []string
		}{
			"no name":        {func(r *accounts.InitiateActivationRequest) { r.FirstName = " " }, "first_name", []string{"validation.required"}},
			"long name":      {func(r *accounts.InitiateActivationRequest) { r.LastName = strings.Repeat("x", 1001) }, "last_name", []string{"validation.max_length"}},
			"NUL":            {func(r *accounts.InitiateActivationRequest) { r.LastName = "Ka\x00hn" }, "last_name", []string{"validation.control_characters"}},
			"not UTF-8":      {func(r *accounts.InitiateActivationRequest) { r.LastName = "Ka\xffhn" }, "last_name", []string{"validation.utf8"}},
			"no address":     {func(r *accounts.InitiateActivationRequest) { r.Email = "" }, "email", []string{"validation.required"}},
			"header":         {func(r *accounts.InitiateActivationRequest) { r.Email = "a@example.com\r\nBcc: b@example.com" }, "email", []string{"validation.email"}},
			"two addresses":  {func(r *accounts.InitiateActivationRequest) { r.Email = "a@example.com, b@example.com" }, "email", []string{"validation.email"}},
			"long address":   {func(r *accounts.InitiateActivationRequest) { r.Email = strings.Repeat("a", 250) + "@example.com" }, "email", []string{"validation.max_length"}},
			"unknown tongue": {func(r *accounts.InitiateActivationRequest) { r.Language = 2 }, "language", []string{"validation.one_of"}},
		} {
			r := registration(olliMail)
			tt.change(&r)
			_, err := f.InitiateActivation(t.Context(), r)
			got := requireFault(f.t, err, fault.Invalid, "fault.invalid")
			require.Equal(f.t, map[string][]string{tt.field: tt.broken}, messageIDs(got), name)
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users`)+f.count(`SELECT COUNT(*) FROM outbox`)+f.count(`SELECT COUNT(*) FROM audit`))
	})
}

func TestLinksThatAreNone(t *testing.T) {
	onEach(t, func(f *fixture) {
		link := f.initiate(olliMail)
		for _, none := range []string{"", "x", link[:39], link + "0", "A" + link[1:], " " + link, "\x00\xff", ids.New()} {
			_, err := f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: none})
			requireFault(f.t, err, fault.NotFound, "fault.link_unknown")
		}
		f.open(link)
	})
}

func TestWhoIsDisabledMeanwhileStaysOut(t *testing.T) {
	onEach(t, func(f *fixture) {
		opened, link := f.open(f.initiate(olliMail)), f.initiate(olliMail)
		f.exec(`UPDATE users SET status = $1`, accounts.Disabled)
		_, err := f.FinishActivation(t.Context(), finishing(opened))
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		_, err = f.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: link})
		requireFault(f.t, err, fault.Gone, "fault.link_used")
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM credentials`))
		require.EqualValues(f.t, accounts.Disabled, f.count(`SELECT status FROM users`))
	})
}
