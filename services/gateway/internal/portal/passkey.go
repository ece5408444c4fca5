package portal

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// passkeyLoginPath is where the answer of a passkey goes.
const passkeyLoginPath = "/login/passkey"

// passkeyOptions is where the script gets what to ask the browser: the same as
// other programs do.
const passkeyOptions = "/v1/auth/passkey/options" //nolint:gosec // G101: a path.

// passkeyForm is filled in by a script, and hidden until there is one: without it
// no page can ask for a passkey.
type passkeyForm struct {
	Action, Options string
	Submit          string
	Failed          string // if the visitor has not given one
	Second          bool
}

// passkeyForm lets the page run that script.
func (v *visit) passkeyForm(action, submit string) *passkeyForm {
	v.allowed.script, v.allowed.calls = "passkey.js", true
	return &passkeyForm{
		Action: action, Options: passkeyOptions, Submit: v.text(submit), Failed: v.text("page.passkey.cancelled"),
	}
}

// passkeyAnswer is what the script has filled in.
func (v *visit) passkeyAnswer() flow.PasskeyLogin {
	l := flow.PasskeyLogin{Ceremony: v.form.Get("ceremony"), Remember: v.form.Get("remember") != ""}
	if credential := json.RawMessage(v.form.Get("credential")); json.Valid(credential) {
		l.Credential = credential
	}
	return l
}

// passkeyFault says in plain words that an answer does not do. What exactly is
// wrong with it nobody can mend by hand.
func passkeyFault(err error) error {
	switch {
	case fault.Is(err, fault.Unauthenticated), fault.Is(err, fault.Invalid):
		return fault.New(fault.Invalid, "page.passkey.refused").Because(err)
	case fault.Is(err, fault.Conflict):
		return fault.New(fault.Invalid, "fault.passkey_of_another").Because(err)
	}
	return err
}

// passkeyLogin signs in by a passkey.
func (p *Portal) passkeyLogin(v *visit) error {
	in := v.passkeyAnswer()
	in.Hub, _ = v.hubID() // as with a password
	done, err := p.deps.Flow.PasskeyLogin(v.r.Context(), in)
	if err != nil {
		page, pageErr := v.loginPage()
		if pageErr != nil {
			return pageErr
		}
		return v.again(passkeyFault(err), "login", page)
	}
	v.endFormer()
	return v.proceed(done, v.value("authorization"))
}
