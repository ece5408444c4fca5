package portal

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// newPasskeyOptions is where the script gets what to ask the browser for a new
// passkey. It wants a fresh login, like all here.
const newPasskeyOptions = "/v1/passkey/options" //nolint:gosec // G101: a path.

// setUp is a place where somebody who is signed in adds a factor or a passkey.
// Whoever has got hold of a session must not be able to make themselves at home,
// so that each request wants a login of late.
type setUp struct {
	// action is the path below which the forms go.
	action func(v *visit, suffix string) string
	// who is who is there; ok is false if they have been sent elsewhere.
	who func(v *visit) (c edge.Caller, text string, ok bool, err error)
	// passkeyOnly tells that a code would be of no use.
	passkeyOnly func(v *visit) bool
	// confirm makes the factor one, and tells where to go on. The codes are new
	// recovery codes, if there are any.
	confirm func(v *visit, c edge.Caller, e pendingConfirmation) (codes []string, next string, err error)
	// added is where to go on with a new passkey.
	added func(v *visit) string
	// back is the way out.
	back func(v *visit) aside
}

// setUpPage offers the kinds of factors.
type setUpPage struct {
	plain

	App *form // nil: only a passkey will do
	SMS *form
	New *newPasskeyForm
}

// newPasskeyForm is filled in by a script, and hidden until there is one.
type newPasskeyForm struct {
	Action, Options string
	Label, Submit   string
	Failed          string
	Second          bool
}

func (s setUp) page(v *visit, text, number string) page {
	data := setUpPage{plain: plain{Text: text, Quiet: v.text("page.setup.passkey_missing"), After: []aside{s.back(v)}}}
	shown := page{Title: v.text("page.setup.title")}
	if !s.passkeyOnly(v) {
		app := v.appForm(s.action(v, ""))
		data.App, data.SMS = &app, v.smsForm(s.action(v, ""), number)
		shown.Form = data.SMS
	}
	v.allowed.script, v.allowed.calls = "passkey.js", true
	data.New = &newPasskeyForm{
		Action: s.action(v, "/passkey"), Options: newPasskeyOptions, Label: v.text("page.setup.passkey_name"),
		Submit: v.text("page.setup.passkey"), Failed: v.text("page.passkey.cancelled"), Second: data.App != nil,
	}
	shown.Data = data
	return shown
}

func (s setUp) show(v *visit) error {
	_, text, ok, err := s.who(v)
	if err != nil || !ok {
		return err
	}
	return v.ok("setup", s.page(v, text, ""))
}

// enrol begins a factor. What it answers is shown this once.
func (s setUp) enrol(v *visit) error {
	caller, text, ok, err := s.who(v)
	if err != nil || !ok {
		return err
	}
	if s.passkeyOnly(v) {
		return v.see(s.action(v, ""))
	}
	request := v.enrolRequest(caller)
	begun, err := v.portal.deps.Accounts.EnrolFactor(v.r.Context(), request)
	if err != nil {
		return v.again(plainly(err), "setup", s.page(v, text, request.Number))
	}
	return v.enrolled(begun, s.forms(v))
}

func (s setUp) forms(v *visit) enrolForms {
	return enrolForms{s.action(v, ""), s.action(v, "/confirm")}
}

// confirmed takes the first code of a factor.
func (s setUp) confirmed(v *visit) error {
	caller, _, ok, err := s.who(v)
	if err != nil || !ok {
		return err
	}
	e, named, ok := v.pendingFactor()
	if !ok || s.passkeyOnly(v) {
		return v.see(s.action(v, ""))
	}
	codes, next, err := s.confirm(v, caller, pendingConfirmation{named, v.form.Get("code")})
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Conflict):
		return v.see(s.action(v, "")) // another one has taken its place
	case err != nil:
		return v.enrolAgain(err, caller, e, s.forms(v))
	case len(codes) == 0:
		return v.see(next)
	}
	return v.showCodes(codes, next)
}

func (v *visit) showCodes(codes []string, next string) error {
	v.page = "" // they are shown this once
	return v.ok("codes", page{Title: v.text("page.codes.title"), Data: codesPage{Codes: codes, Next: next}})
}

// addPasskey takes the passkey that the browser has made.
func (s setUp) addPasskey(v *visit) error {
	caller, text, ok, err := s.who(v)
	if err != nil || !ok {
		return err
	}
	r := accounts.FinishPasskeyRequest{Actor: caller.Actor(), Ceremony: v.form.Get("ceremony"), Name: v.form.Get("name")}
	if credential := json.RawMessage(v.form.Get("credential")); json.Valid(credential) {
		r.Credential = credential
	}
	if r.Name == "" {
		r.Name = v.text("page.setup.passkey_default")
	}
	if _, err := v.portal.deps.Accounts.FinishPasskey(v.r.Context(), r); err != nil {
		return v.again(plainly(err), "setup", s.page(v, text, ""))
	}
	return v.see(s.added(v))
}

// plainly makes what does not go a problem of the form.
func plainly(err error) error {
	f := fault.From(err)
	if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
		return err
	}
	plain := fault.New(fault.Invalid, f.Message.ID).Because(err)
	plain.Message = f.Message
	return plain
}

// freshly is the caller who has logged in of late, in person; ok is false if they
// have been sent to do so, and back.
func (v *visit) freshly(authorization string) (c edge.Caller, ok bool, err error) {
	c, err = edge.FreshSession(v.r.Context())
	if says(err, "fault.stale") {
		return c, false, v.see(with("/login", "authorization", authorization))
	}
	return c, err == nil, err
}

// stepUpSetUp is for whoever is asked to prove more and has nothing to do so with.
func (p *Portal) stepUpSetUp() setUp {
	return setUp{
		action:      func(v *visit, suffix string) string { return v.stepUpAction("/setup" + suffix) },
		passkeyOnly: (*visit).byPasskey,
		who: func(v *visit) (edge.Caller, string, bool, error) {
			_, app, ok, err := v.steppingUp()
			if err != nil || !ok {
				return edge.Caller{}, "", false, err
			}
			c, ok, err := v.freshly(v.value("authorization"))
			return c, v.text("page.setup.stepup", "App", app), ok, err
		},
		confirm: func(v *visit, c edge.Caller, e pendingConfirmation) ([]string, string, error) {
			factor, token, err := p.deps.Flow.StepUpByNewFactor(v.r.Context(), c, e.factor, e.code)
			if err == nil {
				v.keep(token)
			}
			return factor.RecoveryCodes, next(v.value("authorization")), err
		},
		added: func(v *visit) string { return v.stepUpAction("", "made", "1") },
		back:  func(v *visit) aside { return aside{Link: link{v.stepUpAction(""), v.text("page.setup.back")}} },
	}
}

// keep is the session's fresh token.
func (v *visit) keep(t sessions.Token) { v.portal.deps.Edge.SetSession(v.w, t) }

// accountSetUp is where one's own factors are added.
func (p *Portal) accountSetUp() setUp {
	return setUp{
		action:      func(_ *visit, suffix string) string { return accountPath + "/factor" + suffix },
		passkeyOnly: func(*visit) bool { return false },
		who: func(v *visit) (edge.Caller, string, bool, error) {
			c, ok, err := v.freshOwner()
			return c, v.text("page.setup.text"), ok, err
		},
		confirm: func(v *visit, c edge.Caller, e pendingConfirmation) ([]string, string, error) {
			var confirmed flow.Confirmed
			confirmed, err := p.deps.Flow.ConfirmFactor(v.r.Context(), c, e.factor, e.code)
			return confirmed.RecoveryCodes, with(accountPath, "done", "factor"), err
		},
		added: func(*visit) string { return with(accountPath, "done", "passkey") },
		back:  func(v *visit) aside { return v.backToAccount() },
	}
}
