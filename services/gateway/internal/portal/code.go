package portal

import (
	"cmp"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// asked is what the code page says of the open challenge. It stays in a cookie,
// and is only shown: what counts is the challenge that the session names, or of
// one that is stepped up, that the accounts service knows to be its user's.
type asked struct {
	Session     string           `json:"s"` // whose it is
	Challenge   int64            `json:"i,omitempty"`
	Channel     accounts.Channel `json:"c"`
	Destination string           `json:"d,omitempty"` // with most of it hidden
}

// askedAge is the life of the session that waits for a code.
const askedAge = 30 * time.Minute

func (v *visit) remember(s sessions.Session, c accounts.Challenge) error {
	state, err := pack(asked{s.Hash, c.ID, c.Channel, shorten(c.Destination, maxShownEmail)})
	if err != nil {
		return err
	}
	v.portal.cookies.set(v.w, challengeCookie, state, askedAge)
	return nil
}

// asked is empty if the browser does not remember.
func (v *visit) asked(c edge.Caller) asked {
	var a asked
	if !unpack(v.portal.cookies.get(v.r, challengeCookie), &a) || a.Session != c.Session.Hash || channelNames[a.Channel] == "" {
		return asked{}
	}
	a.Destination = shorten(a.Destination, maxShownEmail)
	return a
}

// codePage is what the code page shows beside its form.
type codePage struct {
	plain

	// Send is the form that has the code sent again; nil for one that is not sent.
	Send *sendForm
	// Others are the forms for the other channels.
	Others []sendForm
	// Recovery are the ways for whoever has none of them at hand.
	Recovery []link
	// Without goes on without the code; nil where nobody can.
	Without *form
}

func (p *Portal) showCode(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeCode)
	if err != nil || !ok {
		return err
	}
	return v.ok("code", v.codePage(caller))
}

func (p *Portal) confirmCode(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeCode)
	if err != nil || !ok {
		return err
	}
	done, err := p.deps.Flow.ConfirmCode(v.r.Context(), caller, v.form.Get("code"))
	switch {
	case says(err, "fault.code_wrong"):
		return v.again(fault.Field("code", "fault.code_wrong"), "code", v.codePage(caller))
	case fault.Is(err, fault.Unauthenticated):
		return v.startOver(err)
	case err != nil:
		return v.again(err, "code", v.codePage(caller))
	}
	return v.proceed(done, v.value("authorization"))
}

// sendCode has the code sent again, or by another channel.
func (p *Portal) sendCode(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeCode)
	if err != nil || !ok {
		return err
	}
	number, _ := strconv.Atoi(v.form.Get("channel")) // 0 is the same one, and so is nonsense
	sent, err := p.deps.Flow.SendCode(v.r.Context(), caller, accounts.Channel(number))
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return v.startOver(err)
	case fault.Is(err, fault.Invalid):
		return v.again(fault.New(fault.Invalid, "page.code.no_channel").Because(err), "code", v.codePage(caller))
	case err != nil:
		return v.again(err, "code", v.codePage(caller))
	}
	if err := v.remember(caller.Session, sent); err != nil {
		return err
	}
	return v.see(with(codePath, "authorization", v.value("authorization"), "sent", "1"))
}

// byRecovery tells that the visitor wants to enter a recovery code, which is not
// of digits alone.
const byRecovery = "recovery"

func (v *visit) codePage(c edge.Caller) page {
	id, by := v.value("authorization"), v.query.Get("by")
	p, data := v.codeForm(v.asked(c), v.stepAction(codePath), v.stepAction(codePath+"/send"))
	data.After = []aside{v.anotherAccount()}
	if by == byRecovery {
		data.Text, data.Status, data.Send, data.Others = v.text("page.code.recovery"), "", nil, v.sendForms(v.stepAction(codePath+"/send"))
		p.Form.Action = with(codePath, "authorization", id, "by", by)
		p.Form.Fields[0].Inputmode, p.Form.Fields[0].Autocomplete = "", "off"
	} else {
		data.Recovery = append(data.Recovery, link{with(codePath, "authorization", id, "by", byRecovery), v.text("page.code.use_recovery")})
	}
	data.Recovery = append(data.Recovery, link{with("/recover", "authorization", id), v.text("page.code.lost")})
	p.Data = data
	return p
}

// codeForm is the page that asks for a code, at the path action; send is where
// another one is asked for.
func (v *visit) codeForm(challenge asked, action, send string) (page, codePage) {
	data := codePage{plain: plain{
		Text: v.text("page.code."+cmp.Or(channelNames[challenge.Channel], "any"), "Destination", challenge.Destination),
	}}
	if v.query.Get("sent") != "" {
		data.Status = v.text("page.code.sent")
	}
	for _, f := range v.sendForms(send) {
		switch {
		case f.channel != challenge.Channel:
			data.Others = append(data.Others, f)
		case f.channel != accounts.ChannelApp:
			f.Submit = v.text("page.code.again")
			data.Send = &f
		}
	}
	return page{
		Title: v.text("page.code.title"),
		Form: &form{Action: action, Submit: v.text("page.code.submit"), Fields: []field{{
			Name: "code", Label: v.text("page.label.code"), Autocomplete: "one-time-code", Inputmode: "numeric",
			Identifier: true, Autofocus: true,
		}}},
	}, data
}

// sendForm asks for a code by a channel.
type sendForm struct {
	form

	channel accounts.Channel
}

func (v *visit) sendForms(action string) []sendForm {
	var forms []sendForm
	for _, c := range []accounts.Channel{accounts.ChannelEmail, accounts.ChannelSMS, accounts.ChannelApp} {
		forms = append(forms, sendForm{channel: c, form: form{
			Action: action, Submit: v.text("page.code.by_" + channelNames[c]), Second: true,
			Hidden: []hidden{{"channel", strconv.Itoa(int(c))}},
		}})
	}
	return forms
}
