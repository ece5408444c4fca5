package portal

import (
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// factorPage offers the kinds of factors.
type factorPage struct {
	plain

	App form
	SMS *form // nil if the hub wants more
}

func (p *Portal) showFactor(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeFactorUpdate)
	if err != nil || !ok {
		return err
	}
	page, err := v.factorPage(caller, "")
	if err != nil {
		return err
	}
	return v.ok("factor", page)
}

// enrol begins a factor. What it answers is shown this once, so this page is the
// answer to the form itself.
func (p *Portal) enrol(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeFactorUpdate)
	if err != nil || !ok {
		return err
	}
	request := v.enrolRequest(caller)
	enrolment, err := p.deps.Accounts.EnrolFactor(v.r.Context(), request)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return v.startOver(err)
	case err != nil:
		page, pageErr := v.factorPage(caller, request.Number)
		if pageErr != nil {
			return pageErr
		}
		return v.again(err, "factor", page)
	}
	return v.enrolled(enrolment, v.stepForms())
}

// confirmFactor makes the factor one by its first code.
func (p *Portal) confirmFactor(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeFactorUpdate)
	if err != nil || !ok {
		return err
	}
	e, named, ok := v.pendingFactor()
	if !ok {
		return v.see(v.stepAction(factorPath))
	}
	done, err := p.deps.Flow.ConfirmFactor(v.r.Context(), caller, named, v.form.Get("code"))
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return v.startOver(err)
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Conflict):
		return v.see(v.stepAction(factorPath)) // another one has taken its place
	case err != nil:
		return v.enrolAgain(err, caller, e, v.stepForms())
	case done.Outcome == nil:
		return v.see(next(v.value("authorization")))
	case len(done.RecoveryCodes) == 0:
		return v.proceed(*done.Outcome, v.value("authorization"))
	}
	// They are shown this once: the page is the answer, and leads on.
	p.deps.Edge.SetSession(v.w, done.Outcome.Token)
	return v.ok("codes", page{Title: v.text("page.codes.title"), Data: codesPage{
		Codes: done.RecoveryCodes, Next: after(*done.Outcome, v.value("authorization")),
	}})
}

// codesPage shows new recovery codes.
type codesPage struct {
	Codes []string
	Next  string
}

func (v *visit) factorPage(c edge.Caller, number string) (page, error) {
	described, err := v.portal.deps.Flow.Current(v.r.Context(), c)
	if err != nil {
		return page{}, err
	}
	v.relearn()
	data := factorPage{
		plain: plain{Text: v.text("page.factor.text"), After: []aside{v.anotherAccount()}},
		App:   v.appForm(v.stepAction(factorPath)),
	}
	sms := v.smsForm(v.stepAction(factorPath), number)
	shown := page{Title: v.text("page.factor.title"), Form: sms}
	if h := described.Hub; h == nil || !h.Settings.LoginConfirmation || h.Settings.LoginConfirmationChannel < int(accounts.ChannelApp) {
		data.SMS = sms
	}
	shown.Data = data
	return shown, nil
}

// appForm begins a factor by an authenticator app at a path.
func (v *visit) appForm(action string) form {
	return form{
		Action: action, Submit: v.text("page.factor.app"), Hidden: []hidden{{"channel", strconv.Itoa(int(accounts.ChannelApp))}},
	}
}

// smsForm begins one by SMS.
func (v *visit) smsForm(action, number string) *form {
	return &form{
		Action: action, Submit: v.text("page.factor.sms"), Second: true,
		Hidden: []hidden{{"channel", strconv.Itoa(int(accounts.ChannelSMS))}},
		Fields: []field{{
			Name: "number", Label: v.text("page.label.number"), Hint: v.text("page.factor.number_hint"),
			Type: "tel", Autocomplete: "tel", Value: number,
		}},
	}
}

// enrolRequest is what one of these forms asks for.
func (v *visit) enrolRequest(c edge.Caller) accounts.EnrolFactorRequest {
	channel, _ := strconv.Atoi(v.form.Get("channel"))
	r := accounts.EnrolFactorRequest{Actor: c.Actor(), Channel: accounts.Channel(channel)}
	if r.Channel != accounts.ChannelApp {
		r.Channel, r.Number = accounts.ChannelSMS, strings.TrimSpace(v.form.Get("number"))
	}
	return r
}

// enrolForms are where a factor is begun anew, and where it gets its first code.
type enrolForms struct{ again, confirm string }

func (v *visit) stepForms() enrolForms {
	return enrolForms{v.stepAction(factorPath), v.stepAction(factorPath + "/confirm")}
}

// enrolled shows what a factor that has begun needs for its first code.
func (v *visit) enrolled(begun accounts.Enrolment, to enrolForms) error {
	e := pendingFactor{Factor: begun.Factor.Hash, Secret: begun.Secret, Number: begun.Factor.Number}
	data := v.enrolData(e, to.again)
	if e.Secret != "" {
		data.Text = v.text("page.enrol.app")
		data.drawn(begun)
	}
	return v.ok("enrol", v.enrolPage(e, data, to.confirm))
}

// enrolAgain shows the same after a code that was wrong. Without the picture, which
// the page does not bring along, the key is still there.
func (v *visit) enrolAgain(wrong error, c edge.Caller, e pendingFactor, to enrolForms) error {
	data := v.enrolData(e, to.again)
	if named, ok := api.ParseRef(e.Factor); ok && e.Secret != "" {
		drawn, err := v.portal.deps.Accounts.DrawFactor(v.r.Context(), accounts.DrawFactorRequest{Actor: c.Actor(), Factor: named, Secret: e.Secret})
		if err == nil {
			data.Text = v.text("page.enrol.app_redrawn")
			data.drawn(drawn)
		}
	}
	return v.again(wrong, "enrol", v.enrolPage(e, data, to.confirm))
}

// pendingFactor is what the page has to know of a factor that waits for its
// first code. It comes back with the form: whoever changes it there changes what
// they see themselves.
type pendingFactor struct {
	Factor string // hash
	Secret string // of an app
	Number string // of SMS, with most of it hidden
}

// pendingConfirmation is the first code of a factor.
type pendingConfirmation struct {
	factor api.Ref
	code   string
}

var secretForm = regexp.MustCompile(`^[A-Z2-7]{16,128}$`)

func (v *visit) pendingFactor() (e pendingFactor, named api.Ref, ok bool) {
	e = pendingFactor{v.form.Get("factor"), v.form.Get("secret"), shorten(v.form.Get("to"), maxShownName)}
	if !secretForm.MatchString(e.Secret) {
		e.Secret = ""
	}
	named, ok = api.ParseRef(e.Factor)
	return e, named, ok
}

// enrolPage is the page on which a factor gets its first code.
type enrolPage struct {
	plain

	QR template.HTML // an SVG; empty for SMS
	// Secret is for apps that cannot see, in groups.
	Secret string
}

func (p *enrolPage) drawn(e accounts.Enrolment) {
	p.QR = template.HTML(e.QR) //nolint:gosec // G203: an image that the accounts service has drawn of its own URI.
}

// enrolData is what the page itself brings along; again is where the factor is begun anew.
func (v *visit) enrolData(e pendingFactor, again string) enrolPage {
	data := enrolPage{plain: plain{
		Text:  v.text("page.enrol.sms", "Number", e.Number),
		After: []aside{{v.text("page.enrol.stuck"), link{again, v.text("page.enrol.again")}}},
	}}
	if e.Secret != "" {
		data.Text, data.Secret = v.text("page.enrol.app_again"), grouped(e.Secret)
	}
	return data
}

func (v *visit) enrolPage(e pendingFactor, data enrolPage, confirm string) page {
	return page{
		Title: v.text("page.enrol.title"),
		Data:  data,
		Form: &form{
			Action: confirm, Submit: v.text("page.enrol.submit"),
			Hidden: []hidden{{"factor", e.Factor}, {"secret", e.Secret}, {"to", e.Number}},
			Fields: []field{{
				Name: "code", Label: v.text("page.label.code"), Autocomplete: "one-time-code", Inputmode: "numeric", Identifier: true,
			}},
		},
	}
}

// grouped is a secret in groups of four, as people copy it.
func grouped(secret string) string {
	var b strings.Builder
	for i, c := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}
