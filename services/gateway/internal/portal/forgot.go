package portal

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// request is a page on which somebody asks for a mail with a link, by an address
// or alias that may be anybody's: it answers the same for all.
type request struct {
	path  string
	texts string // page.<texts>.*
	send  func(v *visit, user string) error
}

func (p *Portal) forgotten() request {
	return request{"/forgot", "forgot", func(v *visit, user string) error {
		return p.deps.Flow.RequestReset(v.r.Context(), user)
	}}
}

func (p *Portal) lost() request {
	return request{"/recover", "recover", func(v *visit, user string) error {
		return p.deps.Flow.RequestRecovery(v.r.Context(), user)
	}}
}

func (q request) handlers() methods { return methods{get: q.show, post: q.take} }

func (q request) show(v *visit) error {
	v.rememberAuthorization()
	return v.ok("plain", q.page(v, ""))
}

func (q request) take(v *visit) error {
	user := v.form.Get("user")
	if err := q.send(v, user); err != nil {
		return v.again(err, "plain", q.page(v, user))
	}
	v.rememberAuthorization()
	return v.see(q.path + "/sent")
}

// sent is the same page for everybody, and names nobody.
func (q request) sent(v *visit) error {
	data := plain{
		Text: v.text("page." + q.texts + ".sent"), Quiet: v.text("page.sent.missing"),
		After: []aside{{Link: link{"/login", v.text("page.step.back")}}},
	}
	// Where mails go to the development mailbox, that is where to look.
	if _, err := v.portal.deps.Mail.Mailbox(v.r.Context(), mail.MailboxRequest{Limit: 1}); err == nil {
		data.After = append(data.After, aside{Link: link{"/mailbox", v.text("page.sent.mailbox")}})
	}
	return v.ok("plain", page{Title: v.text("page.sent.title"), Data: data})
}

func (q request) page(v *visit, user string) page {
	id := v.value("authorization")
	return page{
		Title: v.text("page." + q.texts + ".title"),
		Data: plain{
			Text:  v.text("page." + q.texts + ".text"),
			After: []aside{{Link: link{with("/login", "authorization", id), v.text("page.step.back")}}},
		},
		Form: &form{
			Action: with(q.path, "authorization", id), Submit: v.text("page." + q.texts + ".submit"),
			Fields: []field{{
				Name: "user", Label: v.text("page.label.user"), Called: v.text("page.called.user"),
				Autocomplete: "username", Identifier: true, Autofocus: true, Value: user,
			}},
		},
	}
}

// rememberAuthorization keeps the app's request for after the mail.
func (v *visit) rememberAuthorization() {
	if id := v.value("authorization"); id != "" && len(id) <= maxAuthorization {
		v.portal.cookies.set(v.w, authorizationCookie, id, authorizationAge)
	}
}

// showReset shows the form of a link that sets a new password. It works on any
// link, so it tells nothing about this one.
func (p *Portal) showReset(v *visit) error {
	v.aim()
	return v.ok("plain", v.resetPage())
}

func (p *Portal) reset(v *visit) error {
	done, err := p.deps.Flow.FinishReset(v.r.Context(), v.r.PathValue("hash"), v.newPassword())
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Gone):
		return v.askAgain()
	case err != nil:
		v.aim()
		return v.again(err, "plain", v.resetPage())
	}
	v.endFormer()
	id := v.waiting()
	p.cookies.clear(v.w, v.r, authorizationCookie)
	return v.proceed(done, id)
}

// askAgain offers a new link in the place of one that does not work.
func (v *visit) askAgain() error {
	p := v.portal.forgotten().page(v, "")
	p.Problems = []problem{{Text: v.text("page.reset.lapsed")}}
	p.Form.Fields[0].Autofocus = false
	v.page = "" // this one has no other
	return v.show(http.StatusGone, "plain", p)
}

func (v *visit) resetPage() page {
	return page{
		Title: v.text("page.reset.title"),
		Data:  plain{Text: v.text("page.reset.text")},
		Form: &form{
			Action: v.r.URL.Path, Submit: v.text("page.password.submit"), Fields: v.passwordFields(""),
		},
	}
}
