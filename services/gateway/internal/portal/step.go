package portal

import (
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// Where the steps of a login are taken.
const (
	codePath     = "/login/code"
	factorPath   = "/login/factor"
	passwordPath = "/login/password"
	termsPath    = "/login/terms"
)

// stepPaths are the pages of the sessions that open only a step of the login.
var stepPaths = map[sessions.Scope]string{
	sessions.ScopeCode:           codePath,
	sessions.ScopeFactorUpdate:   factorPath,
	sessions.ScopePasswordUpdate: passwordPath,
	sessions.ScopeTermsConfirm:   termsPath,
}

// plain is what the page of one text and one form shows; also that of none.
type plain struct {
	Text string
	// Status is what has just happened, for screen readers too.
	Status string
	Quiet  string
	// About is the app that the page is about; nil: none.
	About  *about
	Button *link
	After  []aside
}

// aside is a link below a form, with what stands before it.
type aside struct {
	Before string
	Link   link
}

// proceed goes on as somebody has come in, or to the step that they have to take
// first. The session's own cookie has what the step needs.
func (v *visit) proceed(o flow.Outcome, authorization string) error {
	v.portal.deps.Edge.SetSession(v.w, o.Token)
	v.portal.cookies.clear(v.w, v.r, activationCookie)
	if o.Challenge != nil {
		if err := v.remember(o.Token.Session, *o.Challenge); err != nil {
			return err
		}
	} else {
		v.portal.cookies.clear(v.w, v.r, challengeCookie)
	}
	return v.see(after(o, authorization))
}

// after is where somebody goes on who has come that far.
func after(o flow.Outcome, authorization string) string {
	if path, ok := stepPaths[o.Token.Session.Scope]; ok {
		return with(path, "authorization", authorization)
	}
	return next(authorization)
}

// atStep is the caller with the session of a step; ok is false if it is another,
// and the visitor has been sent to where they belong.
func (v *visit) atStep(scope sessions.Scope) (c edge.Caller, ok bool, err error) {
	c, in, err := v.caller()
	if err != nil {
		return edge.Caller{}, false, err
	}
	id := v.value("authorization")
	switch {
	case in && c.Session.Scope == scope:
		v.aimAt(id)
		return c, true, nil
	case in && c.Session.Scope == sessions.ScopeFull:
		return c, false, v.see(next(id))
	case in && stepPaths[c.Session.Scope] != "":
		return c, false, v.see(with(stepPaths[c.Session.Scope], "authorization", id))
	}
	return c, false, v.see(with("/login", "authorization", id))
}

// aimAt lets the form lead to the app of an authorization request. One that is
// over by now does not stop anybody from signing in: it says so afterwards.
func (v *visit) aimAt(authorization string) {
	if authorization != "" {
		_, _ = v.pending(authorization)
	}
}

// startOver shows the login page again, for a step that leads nowhere any more.
func (v *visit) startOver(err error) error {
	v.portal.deps.Edge.ClearSession(v.w)
	v.portal.cookies.clear(v.w, v.r, challengeCookie)
	page, pageErr := v.loginPage()
	if pageErr != nil {
		return pageErr
	}
	return v.again(err, "login", page)
}

// stepAction is the path of a step's form.
func (v *visit) stepAction(path string) string {
	return with(path, "authorization", v.value("authorization"))
}

// anotherAccount is the way out of a step.
func (v *visit) anotherAccount() aside {
	return aside{v.text("page.step.not_you"), link{with("/login", "authorization", v.value("authorization")), v.text("page.step.another")}}
}

func (p *Portal) showPassword(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopePasswordUpdate)
	if err != nil || !ok {
		return err
	}
	page, err := v.passwordPage(caller)
	if err != nil {
		return err
	}
	return v.ok("plain", page)
}

func (p *Portal) changePassword(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopePasswordUpdate)
	if err != nil || !ok {
		return err
	}
	done, err := p.deps.Flow.ChangePassword(v.r.Context(), caller, v.newPassword())
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return v.startOver(err)
	case err != nil:
		page, pageErr := v.passwordPage(caller)
		if pageErr != nil {
			return pageErr
		}
		return v.again(err, "plain", page)
	}
	return v.proceed(done, v.value("authorization"))
}

func (v *visit) newPassword() flow.NewPassword {
	return flow.NewPassword{Password: v.form.Get("password"), Confirmation: v.form.Get("password_confirmation")}
}

// passwordPage says whose password it is, for password managers too.
func (v *visit) passwordPage(c edge.Caller) (page, error) {
	described, err := v.portal.deps.Flow.Current(v.r.Context(), c)
	if err != nil {
		return page{}, err
	}
	v.relearn()
	return page{
		Title: v.text("page.password.title"),
		Data:  plain{Text: v.text("page.password.text"), After: []aside{v.anotherAccount()}},
		Form: &form{
			Action: v.stepAction(passwordPath), Submit: v.text("page.password.submit"),
			Fields: v.passwordFields(described.User.Email),
		},
	}, nil
}

// passwordFields ask for a new password twice; username may be empty.
func (v *visit) passwordFields(username string) []field {
	var fields []field
	if username != "" {
		fields = append(fields, field{
			Name: "username", Label: v.text("page.label.email"), Autocomplete: "username", Identifier: true, ReadOnly: true, Value: username,
		})
	}
	return append(fields,
		field{
			Name: "password", Label: v.text("page.label.new_password"), Type: "password", Autocomplete: "new-password",
			Hint: v.text("page.activation.password_hint"), Autofocus: true,
		},
		field{
			Name: "password_confirmation", Label: v.text("page.label.password_confirmation"), Type: "password",
			Autocomplete: "new-password",
		},
	)
}

func (p *Portal) showTerms(v *visit) error {
	if _, ok, err := v.atStep(sessions.ScopeTermsConfirm); err != nil || !ok {
		return err
	}
	return v.ok("plain", v.termsPage())
}

func (p *Portal) acceptTerms(v *visit) error {
	caller, ok, err := v.atStep(sessions.ScopeTermsConfirm)
	if err != nil || !ok {
		return err
	}
	done, err := p.deps.Flow.AcceptTerms(v.r.Context(), caller, v.form.Get("terms") != "")
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return v.startOver(err)
	case err != nil:
		return v.again(err, "plain", v.termsPage())
	}
	return v.proceed(done, v.value("authorization"))
}

func (v *visit) termsPage() page {
	return page{
		Title: v.text("page.terms.title"),
		Data:  plain{Text: v.text("page.terms.text"), After: []aside{v.anotherAccount()}},
		Form: &form{
			Action: v.stepAction(termsPath), Submit: v.text("page.terms.submit"),
			Fields: []field{v.termsField(false)},
		},
	}
}

func (v *visit) termsField(checked bool) field {
	f := field{Name: "terms", Label: v.text("page.label.terms"), Type: "checkbox", Checked: checked}
	if u := v.portal.deps.TermsURL; u != "" {
		f.Link = &link{u, v.text("page.activation.terms_link")}
	}
	return f
}

// channelNames name the texts of the channels.
var channelNames = map[accounts.Channel]string{
	accounts.ChannelEmail: "email", accounts.ChannelSMS: "sms", accounts.ChannelApp: "app",
}
