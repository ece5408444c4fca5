package portal

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

const (
	// beginIdentityPath leads to a provider, and identityPath takes its answer.
	beginIdentityPath = "/login/with/"
	identityPath      = "/login/identity/"
)

// identityAge is how long somebody has at their provider.
const identityAge = 15 * time.Minute

// atProvider is what the browser keeps while its user is at a provider. The
// secret makes the answer count in this browser alone (RFC 6749 section 10.12).
type atProvider struct {
	Provider      string `json:"p"`
	Secret        string `json:"s"`
	Authorization string `json:"a,omitempty"`
}

// provider is a way in by a provider.
type provider struct {
	Title string
	Form  form
}

// providers are those that the visitor may sign in at, to the hub of the app if
// it is one of a hub. Without them the page is still good for everything else.
func (v *visit) providers(i oauth.Interaction) []provider {
	known, err := v.portal.deps.OAuth.Providers(v.r.Context(), oauth.ProvidersRequest{Hub: i.Client.Hub})
	if err != nil {
		return nil
	}
	var list []provider
	for _, p := range known.Providers {
		list = append(list, provider{Title: p.Title, Form: form{
			Action: v.stepAction(beginIdentityPath + url.PathEscape(p.Name)),
			Submit: v.text("page.identity.submit", "Provider", p.Title), Second: true,
		}})
	}
	if list != nil {
		// The form ends at the provider, wherever that signs its users in.
		v.allowed.targets = append(v.allowed.targets, formTargets(v.portal.deps.PublicURL.String())...)
	}
	return list
}

// beginIdentity sends the browser to a provider.
func (p *Portal) beginIdentity(v *visit) error {
	kept := atProvider{Provider: v.r.PathValue("provider"), Secret: rand.Text()}
	request := flow.IdentityRequest{
		Provider: kept.Provider, Secret: kept.Secret,
		RedirectURI: p.deps.PublicURL.JoinPath(identityPath, url.PathEscape(kept.Provider)).String(),
	}
	if id := v.value("authorization"); id != "" {
		interaction, err := v.pending(id)
		if err != nil {
			return err
		}
		kept.Authorization, request.Hub = id, interaction.Client.Hub
	}
	begun, err := p.deps.Flow.BeginIdentity(v.r.Context(), request)
	if err != nil {
		return err
	}
	state, err := pack(kept)
	if err != nil {
		return err
	}
	p.cookies.set(v.w, identityCookie, state, identityAge)
	return v.leave(begun.URL)
}

// answerParameters are what a provider's answer has of interest.
var answerParameters = []string{"code", "state", "iss", "error"}

// identityByPost takes the answer of a provider that posts it (OAuth 2.0 Form
// Post Response Mode). The cookie does not come with a post from another site: the
// browser is sent on to ask again with a GET, with which it does.
func (p *Portal) identityByPost(v *visit) error {
	answer := url.Values{}
	for _, name := range answerParameters {
		if s := v.form.Get(name); s != "" {
			answer.Set(name, s)
		}
	}
	query := answer.Encode()
	if len(query) > maxRequestURL {
		return badForm(nil)
	}
	return v.see(identityPath + url.PathEscape(v.r.PathValue("provider")) + "?" + query)
}

// identity takes the answer of a provider and lets its user in. The state counts
// once, and so does the cookie.
func (p *Portal) identity(v *visit) error {
	v.hasGET = false // it cannot be had again in another language
	var kept atProvider
	if !unpack(p.cookies.get(v.r, identityCookie), &kept) || kept.Secret == "" || kept.Provider != v.r.PathValue("provider") {
		return fault.New(fault.Gone, "page.identity.lost")
	}
	p.cookies.clear(v.w, v.r, identityCookie)
	if _, err := v.pendingOf(kept.Authorization); err != nil {
		return err
	}
	v.query.Set("authorization", kept.Authorization) // as on the way there
	done, err := p.deps.Flow.LogInByIdentity(v.r.Context(), flow.IdentityAnswer{
		Provider: kept.Provider, Secret: kept.Secret,
		State: v.query.Get("state"), Code: v.query.Get("code"), Issuer: v.query.Get("iss"), Error: v.query.Get("error"),
	})
	switch {
	case says(err, "fault.identity_unknown"):
		return v.unknownIdentity()
	case fault.Is(err, fault.Invalid):
		return fault.New(fault.Gone, "page.identity.lost").Because(err)
	case fault.Is(err, fault.Unauthenticated), fault.Is(err, fault.Forbidden):
		return v.notLetIn(err)
	case err != nil:
		return err
	}
	v.endFormer()
	return v.proceed(done, kept.Authorization)
}

// pendingOf is pending for a request that may be none.
func (v *visit) pendingOf(authorization string) (oauth.Interaction, error) {
	if authorization == "" {
		return oauth.Interaction{}, nil
	}
	return v.pending(authorization)
}

// notLetIn shows the login page with what the provider, or the hub, has against
// it: there is another way, or the same once more.
func (v *visit) notLetIn(err error) error {
	page, pageErr := v.loginPage()
	if pageErr != nil {
		return pageErr
	}
	f := fault.From(err)
	page.Problems = []problem{{Text: v.message(f.Message, field{})}}
	return v.show(http.StatusUnprocessableEntity, "login", page)
}

// unknownIdentity says how somebody gets in whose identity is nobody's yet. It is
// never linked by itself: anybody can have any name at some provider.
func (v *visit) unknownIdentity() error {
	id := v.value("authorization")
	data := plain{Text: v.text("page.identity.unknown"), Quiet: v.text("page.identity.how")}
	data.Button = &link{with("/login", "authorization", id), v.text("page.step.back")}
	if v.portal.deps.SelfRegistration {
		data.After = append(data.After, aside{
			v.text("page.login.no_account"), link{with("/register", "authorization", id), v.text("page.register.title")},
		})
	}
	return v.show(http.StatusUnprocessableEntity, "plain", page{Title: v.text("page.identity.unknown_title"), Data: data})
}
