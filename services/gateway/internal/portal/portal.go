package portal

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
)

// Deps are what the pages need; all but TermsURL are required.
type Deps struct {
	Flow     *flow.Flow
	Edge     *edge.Edge
	Accounts accounts.Service
	OAuth    oauth.Service
	Mail     mail.Service
	Texts    *i18n.Catalogue
	Clock    clockwork.Clock
	// PublicURL is the origin under which the pages are reached.
	PublicURL *url.URL
	// Product names the installation.
	Product string
	// SelfRegistration tells whether people may register by themselves. The
	// accounts service enforces it; here it hides what would only be refused.
	SelfRegistration bool
	// TermsURL is where the terms of use are; empty: nowhere.
	TermsURL string
}

// Portal serves the pages.
type Portal struct {
	deps      Deps
	cookies   cookies
	assets    *assets
	templates map[string]*template.Template
}

// New makes a Portal. It fails only if an embedded file is broken.
func New(d Deps) (*Portal, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	templates, err := loadTemplates()
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	return &Portal{deps: d, cookies: newCookies(d.PublicURL), assets: assets, templates: templates}, nil
}

// handler answers one kind of request: with a page, a redirect, or an error
// that becomes a page.
type handler func(*visit) error

// methods are the handlers of a path; nil where it lacks the method.
type methods struct {
	get, post handler
	// page is the path whose page a post shows again, where there is nothing to get
	// at its own.
	page string
}

// Routes serves the pages.
func (p *Portal) Routes() http.Handler {
	mux := http.NewServeMux()
	forgotten, lost, email, recovery := p.forgotten(), p.lost(), p.confirmEmail(), p.confirmRecovery()
	routes := map[string]methods{
		"/{$}":                           {get: p.home},
		"/login":                         {get: p.showLogin, post: p.login},
		codePath:                         {get: p.showCode, post: p.confirmCode},
		codePath + "/send":               {post: p.sendCode, page: codePath},
		factorPath:                       {get: p.showFactor, post: p.enrol},
		factorPath + "/confirm":          {post: p.confirmFactor, page: factorPath},
		passwordPath:                     {get: p.showPassword, post: p.changePassword},
		termsPath:                        {get: p.showTerms, post: p.acceptTerms},
		beginIdentityPath + "{provider}": {post: p.beginIdentity},
		identityPath + "{provider}":      {get: p.identity, post: p.identityByPost},
		unknownIdentityPath:              {get: p.unknownIdentity},
		passkeyLoginPath:                 {post: p.passkeyLogin, page: "/login"},
		stepUpPath:                       {get: p.showStepUp, post: p.stepUp},
		stepUpPath + "/code":             {get: p.showStepUpCode, post: p.confirmStepUp},
		stepUpPath + "/send":             {post: p.sendStepUpCode, page: stepUpPath + "/code"},
		stepUpPath + "/passkey":          {post: p.stepUpByPasskey, page: stepUpPath},
		stepUpPath + "/skip":             {post: p.skipStepUp, page: stepUpPath},
		hubPath:                          {get: p.showHub, post: p.changeHub},
		hubPath + "/skip":                {post: p.skipHub, page: hubPath},
		devicePath:                       {get: p.showDevice, post: p.device},
		devicePath + "/done":             {get: deviceAnswered("done")},
		devicePath + "/denied":           {get: deviceAnswered("denied")},
		profilePath:                      {get: p.showProfile, post: p.changeProfile},
		"/logout":                        {post: p.logout},
		"/register":                      {get: p.showRegister, post: p.register},
		"/register/sent":                 {get: p.registered},
		forgotten.path:                   forgotten.handlers(),
		"/forgot/sent":                   {get: forgotten.sent},
		"/reset/{hash}":                  {get: p.showReset, post: p.reset},
		lost.path:                        lost.handlers(),
		"/recover/sent":                  {get: lost.sent},
		"/unlock/{hash}":                 {get: p.showUnlock, post: p.unlock},
		"/unlock/done":                   {get: p.unlocked},
		"/link/{hash}":                   {get: p.showLink, post: p.openLink},
		"/activation":                    {get: p.showActivation, post: p.finishActivation},
		activationPath + "{provider}":    {post: p.activateAt, page: "/activation"},
		email.path:                       email.handlers(),
		"/email/done":                    {get: email.done},
		recovery.path:                    recovery.handlers(),
		"/recovery/done":                 {get: recovery.done},
		authorizePath:                    {get: p.authorize, post: p.authorizeByPost},
		"/oauth2/resume":                 {get: p.resume, post: p.resumeAs},
		endSessionPath:                   {get: p.endSession, post: p.endSessionByPost},
		signOutPath:                      {get: p.endSession, post: p.signOut},
		"/consent":                       {get: p.showConsent, post: p.consent},
		"/mailbox":                       {get: p.mailbox},
		"/mailbox/{id}/html":             {get: p.mailHTML},
		"/":                              {get: noPage, post: noPage},
	}
	maps.Copy(routes, p.accountRoutes())
	for path, m := range routes {
		mux.Handle(path, p.serve(m))
	}
	mux.Handle("GET /assets/{name}", p.assets)
	return edge.Routed(mux)
}

func (p *Portal) serve(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := p.visit(w, r)
		if err := v.dispatch(m); err != nil {
			v.fail(err)
		}
	})
}

func noPage(*visit) error { return fault.New(fault.NotFound, "") }
