package portal

import (
	"strconv"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// stepUpPath is where somebody proves more who is signed in already.
const stepUpPath = "/login/stepup"

// stepUpPage says what an app asks for.
type stepUpPage struct {
	plain

	Passkey *passkeyForm // nil: a code is asked for
	// Without is the form that goes on without it.
	Without *form
}

// steppingUp is the caller with a request that waits for more proof; ok is false
// if there is none, and the visitor has been sent to where they belong.
func (v *visit) steppingUp() (c edge.Caller, app string, ok bool, err error) {
	id, err := v.authorization()
	if err != nil {
		return edge.Caller{}, "", false, err
	}
	c, in, err := v.inPerson()
	if err != nil {
		return edge.Caller{}, "", false, err
	}
	if !in {
		return edge.Caller{}, "", false, v.see(next(id)) // and from there to the login
	}
	interaction, err := v.pending(id)
	return c, appName(interaction.Client), err == nil, err
}

func (p *Portal) showStepUp(v *visit) error {
	_, app, ok, err := v.steppingUp()
	if err != nil || !ok {
		return err
	}
	return v.ok("stepup", v.stepUpPage(app))
}

func (v *visit) stepUpPage(app string) page {
	data := stepUpPage{plain: plain{Text: v.text("page.stepup.text", "App", app)}, Without: v.without()}
	switch {
	case v.query.Get("over") != "":
		data.Status = v.text("page.stepup.over")
	case v.query.Get("made") != "":
		data.Status = v.text("page.setup.made")
	}
	p := page{Title: v.text("page.stepup.title")}
	if v.byPasskey() {
		data.Text, data.Quiet = v.text("page.stepup.passkey", "App", app), v.text("page.passkey.needed")
		data.Passkey = v.passkeyForm(v.stepUpAction("/passkey"), "page.passkey.use")
		data.After = append(data.After, aside{v.text("page.stepup.no_passkey"), link{v.stepUpAction("/setup"), v.text("page.stepup.set_up_passkey")}})
	} else {
		p.Form = &form{Action: v.stepUpAction(""), Submit: v.text("page.stepup.submit")}
	}
	p.Data = data
	return p
}

// byPasskey tells whether a code would not be enough. What is really enough
// decides the oauth service when the request goes on.
func (v *visit) byPasskey() bool { return v.value("acr") == oauth.ACRPhishing }

func (v *visit) stepUpAction(path string, params ...string) string {
	acr := ""
	if v.byPasskey() {
		acr = oauth.ACRPhishing
	}
	return with(stepUpPath+path, append(params, "authorization", v.value("authorization"), "acr", acr)...)
}

func (v *visit) without() *form {
	return &form{Action: v.stepUpAction("/skip"), Submit: v.text("page.stepup.without"), Second: true}
}

// stepUp has the code sent.
func (p *Portal) stepUp(v *visit) error {
	caller, app, ok, err := v.steppingUp()
	if err != nil || !ok {
		return err
	}
	challenge, err := p.deps.Flow.StepUp(v.r.Context(), caller)
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Forbidden): // or no session for that
		data := stepUpPage{plain: plain{Text: v.text("page.stepup.none", "App", app)}, Without: v.without()}
		if caller.Secure() == nil {
			data.Button = &link{v.stepUpAction("/setup"), v.text("page.stepup.set_up")}
		}
		return v.ok("stepup", page{Title: v.text("page.stepup.none_title"), Data: data})
	case err != nil:
		return v.again(err, "stepup", v.stepUpPage(app))
	}
	if err := v.remember(caller.Session, challenge); err != nil {
		return err
	}
	return v.see(v.stepUpAction("/code"))
}

// askedToStepUp is steppingUp with a challenge that waits for its answer.
func (v *visit) askedToStepUp() (c edge.Caller, a asked, ok bool, err error) {
	c, _, ok, err = v.steppingUp()
	if err != nil || !ok {
		return c, asked{}, false, err
	}
	if a = v.asked(c); a.Challenge == 0 {
		return c, asked{}, false, v.see(v.stepUpAction(""))
	}
	return c, a, true, nil
}

func (v *visit) stepUpCodePage(a asked) page {
	p, data := v.codeForm(a, v.stepUpAction("/code"), v.stepUpAction("/send"))
	data.Without = v.without()
	p.Data = data
	return p
}

func (p *Portal) showStepUpCode(v *visit) error {
	_, a, ok, err := v.askedToStepUp()
	if err != nil || !ok {
		return err
	}
	return v.ok("code", v.stepUpCodePage(a))
}

func (p *Portal) confirmStepUp(v *visit) error {
	caller, a, ok, err := v.askedToStepUp()
	if err != nil || !ok {
		return err
	}
	token, err := p.deps.Flow.ConfirmStepUp(v.r.Context(), caller, a.Challenge, v.form.Get("code"))
	switch {
	case says(err, "fault.code_wrong"):
		return v.again(fault.Field("code", "fault.code_wrong"), "code", v.stepUpCodePage(a))
	case says(err, "fault.code_over"):
		return v.stepUpAgain()
	case fault.Is(err, fault.Unauthenticated):
		return v.see(next(v.value("authorization")))
	case err != nil:
		return v.again(err, "code", v.stepUpCodePage(a))
	}
	return v.steppedUp(token)
}

// stepUpAgain begins anew, with another code.
func (v *visit) stepUpAgain() error {
	v.portal.cookies.clear(v.w, v.r, challengeCookie)
	return v.see(v.stepUpAction("", "over", "1"))
}

// steppedUp goes on with the request.
func (v *visit) steppedUp(t sessions.Token) error {
	v.portal.deps.Edge.SetSession(v.w, t)
	v.portal.cookies.clear(v.w, v.r, challengeCookie)
	return v.see(next(v.value("authorization")))
}

// sendStepUpCode has the code sent again, or by another channel.
func (p *Portal) sendStepUpCode(v *visit) error {
	caller, a, ok, err := v.askedToStepUp()
	if err != nil || !ok {
		return err
	}
	number, _ := strconv.Atoi(v.form.Get("channel")) // 0 is the same one, and so is nonsense
	sent, err := p.deps.Flow.SendStepUpCode(v.r.Context(), caller, a.Challenge, accounts.Channel(number))
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return v.stepUpAgain()
	case fault.Is(err, fault.Invalid):
		return v.again(fault.New(fault.Invalid, "page.code.no_channel").Because(err), "code", v.stepUpCodePage(a))
	case err != nil:
		return v.again(err, "code", v.stepUpCodePage(a))
	}
	if err := v.remember(caller.Session, sent); err != nil {
		return err
	}
	return v.see(v.stepUpAction("/code", "sent", "1"))
}

// stepUpByPasskey takes what the browser has answered with.
func (p *Portal) stepUpByPasskey(v *visit) error {
	caller, app, ok, err := v.steppingUp()
	if err != nil || !ok {
		return err
	}
	token, err := p.deps.Flow.StepUpByPasskey(v.r.Context(), caller, v.passkeyAnswer())
	if err != nil {
		return v.again(passkeyFault(err), "stepup", v.stepUpPage(app))
	}
	return v.steppedUp(token)
}

// skipStepUp goes on without: the oauth service knows what the app makes of it.
func (p *Portal) skipStepUp(v *visit) error {
	_, _, ok, err := v.steppingUp()
	if err != nil || !ok {
		return err
	}
	v.portal.cookies.clear(v.w, v.r, challengeCookie)
	return v.resume(oauth.ResumeRequest{Unable: true})
}
