package portal

import (
	"cmp"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// loginPage is what the login page shows beside its form.
type loginPage struct {
	// App is the app one signs in to; empty: none.
	App string
	// Device tells that one signs in for a device.
	Device bool
	// Present is the account that is signed in already and may be picked.
	Present *present
	// Again tells that the account is signed in, but that the app wants proof.
	Again bool
	// Register is the way to an account; empty where there is none.
	Register string
	// Forgot is the way to a new password.
	Forgot string
	// Passkey is the way without a password.
	Passkey *passkeyForm
	// Providers are the ways in by somebody else's account.
	Providers []provider
}

// present is the account a browser is signed in with.
type present struct {
	Name, Email string
	Subject     string
	Action      string // of the form that picks it
}

func (p *Portal) showLogin(v *visit) error {
	_, in, err := v.signedIn()
	if err != nil {
		return err
	}
	id := v.value("authorization")
	_, device := deviceCode(id)
	if in && (id == "" || device && v.value("prompt") != oauth.PromptSelectAccount) {
		return v.see(next(id))
	}
	page, err := v.loginPage()
	if err != nil {
		return err
	}
	return v.ok("login", page)
}

func (p *Portal) login(v *visit) error {
	in := flow.Login{
		User:     v.form.Get("user"),
		Password: v.form.Get("password"),
		Remember: v.form.Get("remember") != "",
	}
	in.Hub, _ = v.hubID() // if that cannot be found out now, they come in all the same
	done, err := p.deps.Flow.Login(v.r.Context(), in)
	if err != nil {
		page, pageErr := v.loginPage()
		if pageErr != nil {
			return pageErr
		}
		page.Form = v.loginForm(in)
		return v.again(err, "login", page)
	}
	v.endFormer()
	return v.proceed(done, v.value("authorization"))
}

// next is where to go once signed in.
func next(authorization string) string {
	if authorization == "" {
		return "/"
	}
	if authorization == accountMark {
		return accountPath
	}
	if code, ok := deviceCode(authorization); ok {
		return with(devicePath, "user_code", code)
	}
	return with(resumePath, "authorization", authorization)
}

// loginPage makes the page. If an app waits, it says which, and what it knows of
// the user.
func (v *visit) loginPage() (page, error) {
	id := v.value("authorization")
	var login flow.Login
	var data loginPage
	interaction, err := v.pendingOf(id)
	if err != nil {
		return page{}, err
	}
	data.Providers = v.providers(interaction)
	if id != "" {
		data.App, login.User = appName(interaction.Client), interaction.LoginHint
		_, data.Device = deviceCode(id)
		if err := v.mentionPresent(&data, &login); err != nil {
			return page{}, err
		}
	}
	data.Forgot = with("/forgot", "authorization", id)
	data.Passkey = v.passkeyForm(with(passkeyLoginPath, "authorization", id, "prompt", v.value("prompt"), "hub", v.hub()), "page.passkey.sign_in")
	data.Passkey.Second = true
	if v.portal.deps.SelfRegistration {
		data.Register = with("/register", "authorization", id)
	}
	return page{Title: v.text("page.login.title"), Form: v.loginForm(login), Data: data}, nil
}

// mentionPresent tells who is signed in already: to be picked if the app leaves
// the choice to the user, else because it wants them to prove it again.
func (v *visit) mentionPresent(data *loginPage, login *flow.Login) error {
	caller, in, err := v.inPerson()
	if err != nil || !in {
		return err
	}
	described, err := v.portal.deps.Flow.Current(v.r.Context(), caller)
	if fault.Is(err, fault.Unauthenticated) {
		return nil // the account is closed
	}
	if err != nil {
		return err
	}
	v.relearn()
	if v.value("prompt") != oauth.PromptSelectAccount {
		data.Again = true
		login.User = cmp.Or(login.User, described.User.Email)
		return nil
	}
	data.Present = &present{
		Name: nameOf(described.User), Email: described.User.Email, Subject: described.User.Hash,
		Action: with(resumePath, "authorization", v.value("authorization")),
	}
	return nil
}

func (v *visit) loginForm(in flow.Login) *form {
	return &form{
		Action: with("/login", "authorization", v.value("authorization"), "prompt", v.value("prompt"), "hub", v.hub()),
		Submit: v.text("page.login.submit"),
		Fields: []field{
			{
				Name: "user", Label: v.text("page.label.user"), Called: v.text("page.called.user"),
				Autocomplete: "username", Identifier: true, Value: in.User,
			},
			{Name: "password", Label: v.text("page.label.password"), Type: "password", Autocomplete: "current-password"},
			{Name: "remember", Label: v.text("page.label.remember"), Type: "checkbox", Optional: true, Checked: in.Remember},
		},
	}
}
