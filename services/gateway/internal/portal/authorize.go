package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

const (
	authorizePath = "/oauth2/authorize"
	resumePath    = "/oauth2/resume"
)

// maxAuthorization bounds what is taken for the id of an authorization request,
// in bytes.
const maxAuthorization = 200

// maxRequestURL is how long a request may be to be made part of a URL, in bytes.
// Many proxies refuse more than 8 KiB.
const maxRequestURL = 4 << 10

// authorize is the authorization endpoint (RFC 6749 section 3.1).
func (p *Portal) authorize(v *visit) error {
	request := url.Values{}
	for name, values := range v.query {
		if name != languageParameter { // that one is ours
			request[name] = values
		}
	}
	login, err := v.currentLogin()
	if err != nil {
		return err
	}
	return v.startAuthorization(request, login)
}

// authorizeByPost is the authorization endpoint for apps that post to it (OpenID
// Connect Core section 3.1.2.1). The session cookie is SameSite=Lax, so it does
// not come with a post from another site: the browser is sent on to ask again
// with a GET, with which it does.
func (p *Portal) authorizeByPost(v *visit) error {
	v.preferLocales(v.form.Get("ui_locales"))
	login, err := v.currentLogin()
	if err != nil {
		return err
	}
	if login == nil {
		if query := v.form.Encode(); len(query) <= maxRequestURL {
			return v.see(authorizePath + "?" + query)
		}
	}
	return v.startAuthorization(v.form, login)
}

func (v *visit) startAuthorization(request url.Values, login *oauth.Login) error {
	answer, err := v.portal.deps.OAuth.Authorize(v.r.Context(), oauth.AuthorizeRequest{Form: request, Login: login})
	if err != nil {
		return err
	}
	if answer.Login != nil && v.r.Method == http.MethodPost {
		// A request too long for a URL; the session may be there all the same.
		return v.see(with(resumePath, "authorization", answer.Login.ID))
	}
	return v.goOn(answer)
}

// resume goes on with a request that waited for its user.
func (p *Portal) resume(v *visit) error { return v.resume(oauth.ResumeRequest{}) }

// resumeAs goes on with the account that is signed in, as its user has decided.
func (p *Portal) resumeAs(v *visit) error {
	caller, in, err := v.inPerson()
	if err != nil {
		return err
	}
	if id := v.value("authorization"); in && strings.HasPrefix(id, deviceMark) {
		return v.see(next(id)) // where they are asked anyhow
	}
	// Somebody else may have signed in since the page was shown.
	return v.resume(oauth.ResumeRequest{Selected: in && v.form.Get("subject") == caller.Session.UserHash})
}

// resume goes on with what the user says, as who they are.
func (v *visit) resume(r oauth.ResumeRequest) error {
	var err error
	if r.ID, err = v.authorization(); err != nil {
		return err
	}
	if r.Login, err = v.currentLogin(); err != nil {
		return err
	}
	r.Selected = r.Selected && r.Login != nil
	answer, err := v.portal.deps.OAuth.Resume(v.r.Context(), r)
	if err != nil {
		return authorizationGone(err)
	}
	return v.goOn(answer)
}

// goOn does what the oauth service says.
func (v *visit) goOn(a oauth.Authorization) error {
	switch {
	case a.Ask != nil:
		return v.askToLeave(a)
	case a.Redirect != "":
		return v.leave(a.Redirect)
	case a.Post != nil:
		return v.post(*a.Post)
	case a.Login != nil:
		return v.see(v.loginPath(*a.Login))
	case a.Consent != nil:
		return v.see(with("/consent", "authorization", a.Consent.ID))
	case a.Problem != nil:
		return v.refuse(*a.Problem)
	}
	return errors.New("portal: the oauth service does not say how to go on")
}

// loginPath is where somebody does what an interaction asks for. Of the prompts
// one makes a difference to the login page.
func (v *visit) loginPath(i oauth.Interaction) string {
	switch i.Prompt {
	case oauth.PromptCreate:
		if _, in, err := v.signedIn(); err == nil && !in && v.portal.deps.SelfRegistration {
			return with("/register", "authorization", i.ID)
		}
		// Who has an account already may mean that one.
		return with("/login", "authorization", i.ID, "prompt", oauth.PromptSelectAccount)
	case oauth.PromptStepUp:
		return with(stepUpPath, "authorization", i.ID, "acr", i.ACR)
	case oauth.PromptHub:
		return with(hubPath, "authorization", i.ID)
	case oauth.PromptSelectAccount:
		return with("/login", "authorization", i.ID, "prompt", i.Prompt)
	}
	return with("/login", "authorization", i.ID)
}

// leave sends the browser to an app. The oauth service has compared the address
// with those that the app registered; schemes that run in the page they are
// opened from would be fatal, and are refused once more.
func (v *visit) leave(to string) error {
	if err := mayLeaveFor(to); err != nil {
		return err
	}
	return v.see(to)
}

func mayLeaveFor(to string) error {
	u, err := url.Parse(to)
	if err != nil || !u.IsAbs() {
		return errors.New("portal: the address of the app is no absolute URL")
	}
	switch u.Scheme {
	case "javascript", "data", "vbscript", "blob", "file", "about":
		return errors.New("portal: the address of the app has a scheme that nobody may be sent to")
	}
	return nil
}

// currentLogin is the session that an authorization request is made with; nil
// if nobody is signed in, in person.
func (v *visit) currentLogin() (*oauth.Login, error) {
	caller, in, err := v.inPerson()
	if err != nil || !in {
		return nil, err
	}
	return loginOf(caller), nil
}

func loginOf(c edge.Caller) *oauth.Login {
	methods := make([]string, 0, len(c.Session.Methods))
	for _, m := range c.Session.Methods {
		methods = append(methods, string(m))
	}
	return &oauth.Login{
		Subject:           c.Session.UserHash,
		Session:           c.Session.Hash,
		Hub:               c.Session.Hub,
		ProviderHub:       c.Session.ProviderHub,
		Methods:           methods,
		AuthenticatedTime: c.Session.AuthenticatedTime,
	}
}

// authorization is the id in the request.
func (v *visit) authorization() (string, error) {
	id := v.value("authorization")
	if _, device := deviceCode(id); device || id == "" || id == accountMark || len(id) > maxAuthorization {
		return "", fault.New(fault.Gone, "page.failure.authorization")
	}
	return id, nil
}

// pending is a waiting authorization request. The page that asks may then send
// a form that ends with its app, and speaks the language the app asked for. Of a
// device nothing is told here: its code may be a guess.
func (v *visit) pending(id string) (oauth.Interaction, error) {
	if len(id) > maxAuthorization {
		return oauth.Interaction{}, fault.New(fault.Gone, "page.failure.authorization")
	}
	if _, device := deviceCode(id); device || id == accountMark {
		return oauth.Interaction{}, nil
	}
	interaction, err := v.portal.deps.OAuth.Pending(v.r.Context(), oauth.PendingRequest{ID: id})
	if err != nil {
		return oauth.Interaction{}, authorizationGone(err)
	}
	v.allowed.targets = formTargets(interaction.RedirectTo)
	v.preferLocales(interaction.UILocales)
	return interaction, nil
}

// authorizationGone says in plain words that a request has been answered or has
// expired.
func authorizationGone(err error) error {
	if fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound) {
		return fault.New(fault.Gone, "page.failure.authorization").Because(err)
	}
	return err
}

// appName is what an app is called.
func appName(c oauth.Client) string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}
