package mail

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestNamesOfHubs(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{
		"":                               "",
		"Müller & Söhne GmbH & Co. KG":   "Müller & Söhne GmbH & Co. KG",
		"two\r\nlines\tand  spaces":      "two lines and spaces",
		"right\u202eto left\u200b":       "rightto left",
		"visit https://evil.example":     "",
		"visit evil.example/now":         "",
		"WWW.evil":                       "",
		"write to me@evil":               "",
		"Version 2.0":                    "Version 2.0",
		strings.Repeat("ä", 80):          strings.Repeat("ä", 80),
		strings.Repeat("ä", 81):          strings.Repeat("ä", 79) + "…",
		"not UTF-8 \xff at all":          "not UTF-8 at all",
		"a name {{.URL}} <b>in here</b>": "a name {{.URL}} <b>in here</b>",
	} {
		assert.Equal(t, shown, shownName(name))
	}
}

func TestInvitationNamesTheHub(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		r := activation("1")
		r.Template, r.Language, r.Data = mail.Invitation, 1, map[string]string{"url": link, "hub": "Müller & <Söhne>"}
		f.send(r)
		r.Key, r.Data = "2", map[string]string{"url": link, "hub": "Win at https://evil.example"}
		f.send(r)
		f.drain()
		box := f.box()
		assert.Contains(t, box[1].Text, "“Müller & <Söhne>”")
		assert.Contains(t, box[1].HTML, "“Müller &amp; &lt;Söhne&gt;”")
		assert.NotContains(t, box[0].Text, "evil")
		assert.Contains(t, box[0].Text, "An invitation to Gatehouse is waiting for you.")
	})
}

func TestWhatEachTemplateNeeds(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for name, fields := range map[mail.Template][]string{
			mail.Activation: {"url"}, mail.Invitation: {"url"}, mail.AccountExists: {"url"}, mail.PasswordReset: {"url"},
			mail.EmailChange: {"url"}, mail.Recovery: {"url"}, mail.AccountLocked: {"url"}, mail.Code: {"code", "minutes"},
			mail.RecoveryCode: {"code", "hours"}, mail.RecoveryRequest: {"name", "email", "hub"}, mail.SecurityNotice: {"event", "time"},
		} {
			r := activation("k")
			r.Template, r.Data = name, nil
			_, err := f.Send(t.Context(), r)
			requireFault(t, err, fault.Invalid, fields...)
			for _, field := range fields {
				r.Data = complete()
				delete(r.Data, field)
				_, err := f.Send(t.Context(), r)
				requireFault(t, err, fault.Invalid, field)
			}
		}
	})
}

func TestDataThatIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for _, c := range []struct {
			template     mail.Template
			field, value string
		}{
			{mail.Code, "code", "12"},
			{mail.Code, "code", "see https://evil.example"},
			{mail.Code, "minutes", "0"},
			{mail.Code, "minutes", "soon"},
			{mail.RecoveryCode, "hours", "-1"},
			{mail.RecoveryRequest, "email", "Olli <olli@example.com>"},
			{mail.SecurityNotice, "event", "party"},
			{mail.SecurityNotice, "time", "yesterday"},
		} {
			r := activation("k")
			r.Template, r.Data = c.template, complete()
			r.Data[c.field] = c.value
			_, err := f.Send(t.Context(), r)
			requireFault(t, err, fault.Invalid, c.field)
		}
		r := notice(mail.DeletionRequested, map[string]string{"subject": "in a fortnight"})
		_, err := f.Send(t.Context(), r)
		requireFault(t, err, fault.Invalid, "subject")
	})
}

// notice is a good request.
func notice(event mail.Event, data map[string]string) mail.SendRequest {
	r := activation("notice/" + string(event))
	r.Template, r.Language, r.Data = mail.SecurityNotice, 1, complete()
	r.Data["event"] = string(event)
	maps.Copy(r.Data, data)
	return r
}

func TestEveryEventIsANoticeOfItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		subjects := map[string]bool{}
		for _, event := range mail.Events() {
			for language := range 2 {
				r := notice(event, nil)
				r.Key, r.Language = string(event)+string(rune('0'+language)), language
				f.send(r)
			}
		}
		f.drain()
		for _, m := range f.box() {
			subjects[m.Subject] = true
			assert.Contains(t, m.Text, "203.0.113.7")
			assert.Contains(t, m.Text, "Firefox, Windows")
			assert.Contains(t, m.Text, "2026, 16:05")
		}
		assert.Len(t, subjects, 2*len(mail.Events()))
	})
}

func TestNoticeLeadsToTheResetPage(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, mail.Name, Migrations, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d, Config{DevMailbox: true, PublicURL: "https://id.example.org"})
		f.send(notice(mail.NewDevice, nil))
		f.send(notice(mail.AccountDisabled, nil))
		f.drain()
		box := f.box()
		assert.Contains(t, box[1].Text, "\nhttps://id.example.org/forgot\n")
		assert.NotContains(t, box[0].Text, "https://", "a new password would be of no use")
	})
}

func TestNoticeTellsTheDayOfADeletion(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.send(notice(mail.DeletionRequested, map[string]string{"subject": "2026-03-18T23:30:00Z"}))
		f.drain()
		assert.Contains(t, f.box()[0].Text, "will be deleted on 18 March 2026, 23:30 (UTC).")
	})
}

// What strangers choose is text, on its line, and never a link.
func TestDataCannotPretendToBeOurs(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		const lines = "a\r\nBcc: all@example.com\n\nOpen https://evil.example/reset/8db560a23013ff54838d45e59a3f3f39f6720c86\n"
		for _, evil := range []string{lines, "evil.example/forgot", "\u202egro.elpmaxe", "<a href=//evil>here</a>\nand here"} {
			for _, name := range mail.Templates() {
				r := activation(string(name) + evil[:4])
				r.Key = strings.Map(func(c rune) rune { return max(c, ' ') }, r.Key)
				r.Template, r.Language, r.Data = name, 1, complete()
				for _, field := range []string{"hub", "name", "subject", "device", "address"} {
					r.Data[field] = evil
				}
				r.Data["event"] = string(mail.TokenCreated)
				f.send(r)
			}
		}
		f.drain()
		box := f.box()
		require.Len(t, box, 4*len(mail.Templates()))
		for _, m := range box {
			for _, body := range []string{m.Subject, m.Text, m.HTML} {
				assert.NotContains(t, body, "evil.example")
				assert.NotContains(t, body, "Bcc")
				assert.NotContains(t, body, "\u202e")
				assert.NotContains(t, body, "\nand here")
			}
			assert.NotContains(t, m.HTML, "<a href=//")
			assert.NotContains(t, m.Subject, "\n")
		}
	})
}

func TestShownAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7", "2001:db8::1": "2001:db8::1",
		"": "", "evil.example": "", "fe80::1%evil.example": "", "203.0.113.7:80": "",
	} {
		assert.Equal(t, want, shownAddress(address))
	}
}
