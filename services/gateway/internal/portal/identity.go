package portal

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

const (
	// beginIdentityPath leads to a provider, and identityPath takes its answer.
	beginIdentityPath = "/login/with/"
	identityPath      = "/login/identity/"
	// unknownIdentityPath is for whom a provider knows and we do not. No provider is
	// called so: names have no slash.
	unknownIdentityPath = "/login/unknown"
)

// identityAge is how long somebody has at their provider.
const identityAge = 15 * time.Minute

// atProvider is what the browser keeps while its user is at a provider. The
// secret makes the answer count in this browser alone (RFC 6749 section 10.12).
type atProvider struct {
	Provider      string `json:"p"`
	Secret        string `json:"s"`
	Authorization string `json:"a,omitempty"`
	// Hub is the hash of the hub that one signs in to.
	Hub string `json:"h,omitempty"`
	// Errand is what it is for, if not for signing in.
	Errand errandAt `json:"e,omitempty"`
	// Activation is what was filled in before.
	Activation *activationInput `json:"f,omitempty"`
}

// errandAt is what somebody is at a provider for.
type errandAt string

// The errands.
const (
	errandLink     errandAt = "link"     // to link an identity
	errandActivate errandAt = "activate" // to finish an activation or invitation
)

// provider is a way in by a provider.
type provider struct {
	Title string
	Form  form
}

// providers are those that the visitor may sign in at, to the hub of the app if
// it is one of a hub, or to the hub that the page is for. Without them the page is
// still good for everything else.
func (v *visit) providers(i oauth.Interaction) []provider {
	request := oauth.ProvidersRequest{Hub: i.Client.Hub}
	if request.Hub == nil {
		request.HubHash = v.hub()
	}
	known, err := v.portal.deps.OAuth.Providers(v.r.Context(), request)
	if err != nil {
		return nil
	}
	return v.ways(known.Providers, func(p oauth.Provider) string {
		return with(beginIdentityPath+url.PathEscape(p.Name), "authorization", v.value("authorization"), "hub", v.hub())
	})
}

// ways are buttons that lead to providers.
func (v *visit) ways(known []oauth.Provider, action func(oauth.Provider) string) (list []provider) {
	for _, p := range known {
		submit := v.text("page.identity.submit", "Provider", p.Title)
		if p.Host != "" { // anybody may found a hub, and call its provider as they like
			submit = v.text("page.identity.submit_at", "Provider", p.Title, "Host", p.Host)
		}
		list = append(list, provider{Title: p.Title, Form: form{Action: action(p), Submit: submit, Second: true}})
	}
	if list != nil {
		// The form ends at the provider, wherever that signs its users in.
		v.allowed.targets = append(v.allowed.targets, formTargets(v.portal.deps.PublicURL.String())...)
	}
	return list
}

// hub is the hash of the hub that the page is for; empty: none, or nothing that
// could be one. An app's request says by itself where it leads.
func (v *visit) hub() string {
	if hash := v.value("hub"); v.value("authorization") == "" && hubHash.MatchString(hash) {
		return hash
	}
	return ""
}

var hubHash = regexp.MustCompile("^[0-9a-f]{40}$")

// hubID is the hub that the page is for; nil if there is no such hub.
func (v *visit) hubID() (*int64, error) {
	hash := v.hub()
	if hash == "" {
		return nil, nil //nolint:nilnil // documented
	}
	known, err := v.portal.deps.OAuth.Providers(v.r.Context(), oauth.ProvidersRequest{HubHash: hash})
	return known.Hub, err
}

// beginIdentity sends the browser to a provider.
func (p *Portal) beginIdentity(v *visit) error {
	kept := atProvider{Provider: v.r.PathValue("provider"), Secret: rand.Text(), Hub: v.hub()}
	var request flow.IdentityRequest
	if id := v.value("authorization"); id != "" {
		interaction, err := v.pending(id)
		if err != nil {
			return err
		}
		kept.Authorization, request.Hub = id, interaction.Client.Hub
	} else {
		hub, err := v.hubID()
		if err != nil {
			return err
		}
		request.Hub = hub
	}
	return v.toProvider(kept, request)
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
	v.page = "" // it cannot be had again in another language
	var kept atProvider
	if !unpack(p.cookies.get(v.r, identityCookie), &kept) || kept.Secret == "" || kept.Provider != v.r.PathValue("provider") {
		return fault.New(fault.Gone, "page.identity.lost")
	}
	p.cookies.clear(v.w, v.r, identityCookie)
	if _, err := v.pendingOf(kept.Authorization); err != nil {
		return err
	}
	answer := flow.IdentityAnswer{
		Provider: kept.Provider, Secret: kept.Secret,
		State: v.query.Get("state"), Code: v.query.Get("code"), Issuer: v.query.Get("iss"), Error: v.query.Get("error"),
	}
	v.query = url.Values{} // as on the way there
	for name, value := range map[string]string{"authorization": kept.Authorization, "hub": kept.Hub} {
		if value != "" {
			v.query.Set(name, value)
		}
	}
	switch kept.Errand {
	case errandLink:
		return v.linked(answer)
	case errandActivate:
		return v.activatedAt(kept, answer)
	}
	done, err := p.deps.Flow.LogInByIdentity(v.r.Context(), answer)
	switch {
	case says(err, "fault.identity_unknown"):
		return v.see(with(unknownIdentityPath, "authorization", kept.Authorization, "hub", kept.Hub))
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
	v.page = "/login"
	page, pageErr := v.loginPage()
	if pageErr != nil {
		return pageErr
	}
	f := fault.From(err)
	page.Problems = []problem{{Text: v.message(f.Message, field{})}}
	return v.show(http.StatusUnprocessableEntity, "login", page)
}

// unknownIdentity says how somebody gets in whose identity is nobody's yet. It is
// never linked by itself: anybody can have any name at some provider. The page has an
// address of its own, as the answer that led to it counts once.
func (p *Portal) unknownIdentity(v *visit) error {
	id := v.value("authorization")
	if _, err := v.pendingOf(id); err != nil {
		return err
	}
	data := plain{Text: v.text("page.identity.unknown"), Quiet: v.text("page.identity.how")}
	data.Button = &link{with("/login", "authorization", id, "hub", v.hub()), v.text("page.step.back")}
	if v.portal.deps.SelfRegistration {
		data.After = append(data.After, aside{
			v.text("page.login.no_account"), link{with("/register", "authorization", id), v.text("page.register.title")},
		})
	}
	return v.ok("plain", page{Title: v.text("page.identity.unknown_title"), Data: data})
}
