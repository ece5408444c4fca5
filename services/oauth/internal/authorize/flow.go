// Package authorize is the authorization endpoint (RFC 6749 section 3.1). The
// gateway owns the browser, its session and the pages; here it is decided how
// a request goes on.
//
//	Push ─▶ parse ─▶ stored, for 90 seconds
//	                   │ request_uri
//	                   ▼
//	Authorize ─▶ parse ─┬─▶ Problem                        redirect URI not proven
//	                    └─▶ decide ─┬─▶ Redirect or Post   code, or an error for the client
//	                          ▲     ├─▶ Login   ─┐ stored, for an hour
//	                          │     └─▶ Consent ─┤
//	                        Resume ◀─────────────┘
//
// A request that waits is read again, in full, whenever it is resumed; what
// the user has done meanwhile is told by the login. It is answered once: the
// answer deletes it, and whoever comes second finds it gone.
package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logout"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Flow takes authorization requests from their arrival to their answer.
type Flow struct {
	Parser   *Parser
	Provider fosite.OAuth2Provider
	DB       *db.DB
	Requests *Pending
	Consents *consent.Store
	Grants   *grant.Store
	Names    *subject.Names
	Sessions *logout.Sessions
	Issuer   string
	Clock    clockwork.Clock
	Metrics  *metrics.Metrics
}

// errUnmet is OpenID Connect Core Error Code unmet_authentication_requirements
// 1.0.
var errUnmet = &fosite.RFC6749Error{
	ErrorField:       "unmet_authentication_requirements",
	DescriptionField: "The user cannot prove who they are in the way that is asked for.",
	CodeField:        http.StatusBadRequest,
}

var errConfined = fosite.ErrAccessDenied.WithDescription("The user's login counts for its hub alone, which none of the scopes does.").WithHint("")

// Authorize takes a request that has just arrived.
func (f *Flow) Authorize(ctx context.Context, in oauth.AuthorizeRequest) (oauth.Authorization, error) {
	if err := checkLogin(in.Login); err != nil {
		return oauth.Authorization{}, err
	}
	form := url.Values(in.Form)
	if strings.HasPrefix(form.Get("request_uri"), pushedURN) {
		return f.open(ctx, form, in.Login)
	}
	r, err := f.Parser.Parse(ctx, form)
	if err := f.meet(ctx, r, in.Login); err != nil {
		return oauth.Authorization{}, err
	}
	if err != nil {
		return f.refuse(r, err)
	}
	return f.decide(ctx, f.turn(r, in.Login, "", nil))
}

// turn is a look at a request that has just arrived, or at one that is stored.
func (f *Flow) turn(r *Request, login *oauth.Login, id string, w *waiting) *turn {
	t := &turn{request: r, login: login, id: id, created: f.Clock.Now()}
	if login != nil {
		t.name = f.Names.Of(r.Client, login.Subject)
	}
	if w == nil {
		return t
	}
	t.waited, t.created = true, w.created
	if login != nil {
		t.asked, t.unable = w.asked == login.Subject, w.unableOf(login.Subject)
	}
	t.selected = t.asked
	return t
}

// Resume goes on with a request that waited.
func (f *Flow) Resume(ctx context.Context, in oauth.ResumeRequest) (oauth.Authorization, error) {
	if err := checkLogin(in.Login); err != nil {
		return oauth.Authorization{}, err
	}
	w, err := f.Requests.find(ctx, in.ID, f.Clock.Now())
	if err != nil {
		return oauth.Authorization{}, err
	}
	r, err := f.Parser.again(ctx, w)
	if in.Decision == nil && !in.Unable { // else a page has named the client, and the user has answered
		if err := f.meet(ctx, r, in.Login); err != nil {
			return oauth.Authorization{}, err
		}
	}
	if err != nil {
		return f.end(ctx, in.ID, r, err)
	}
	if in.Decision != nil && !in.Decision.Allow {
		return f.end(ctx, in.ID, r, fosite.ErrAccessDenied.WithDescription("The user denied the request.").WithHint(""))
	}
	t := f.turn(r, in.Login, in.ID, &w)
	t.selected = t.selected || in.Selected
	t.decided = in.Decision != nil
	t.allowed = t.asked && t.decided
	if in.Unable && t.needsLogin() == "" && r.of(t.name) {
		return f.without(ctx, t)
	}
	return f.decide(ctx, t)
}

// Pending shows a request that waits.
func (f *Flow) Pending(ctx context.Context, in oauth.PendingRequest) (oauth.Interaction, error) {
	w, err := f.Requests.find(ctx, in.ID, f.Clock.Now())
	if err != nil {
		return oauth.Interaction{}, err
	}
	r, err := f.Parser.again(ctx, w)
	if err != nil {
		if wire.FailureOf(err).Status >= http.StatusInternalServerError {
			return oauth.Interaction{}, err
		}
		return oauth.Interaction{}, errGone // the client has changed since
	}
	_, class, _ := strings.Cut(w.unable, " ")
	return *r.interaction(in.ID, "", class), nil
}

// decide finds the next step of a request that is in order.
func (f *Flow) decide(ctx context.Context, t *turn) (oauth.Authorization, error) {
	r := t.request
	if t.fresh() && !r.of(t.name) {
		return f.end(ctx, t.id, r, fosite.ErrLoginRequired.WithHint("Another user logged in than the request is about."))
	}
	if prompt := t.needsLogin(); prompt != "" {
		if r.prompts(promptNone) {
			return f.end(ctx, t.id, r, fosite.ErrLoginRequired)
		}
		return f.wait(ctx, t, prompt)
	}
	if t.needsHub() {
		if r.prompts(promptNone) {
			return f.end(ctx, t.id, r, fosite.ErrInteractionRequired.WithHint("The session is in another hub."))
		}
		return f.wait(ctx, t, oauth.PromptHub)
	}
	if len(t.grantable(r.Scopes)) == 0 {
		return f.end(ctx, t.id, r, errConfined)
	}
	if more, class := t.needsMore(); more {
		if class != "" && !r.prompts(promptNone) {
			return f.wait(ctx, t, oauth.PromptStepUp)
		}
		if r.demand.essential {
			return f.end(ctx, t.id, r, errUnmet)
		}
	}
	allowed, err := f.allowed(ctx, t)
	if err != nil {
		return oauth.Authorization{}, err
	}
	if !allowed {
		if r.prompts(promptNone) {
			return f.end(ctx, t.id, r, fosite.ErrConsentRequired)
		}
		return f.wait(ctx, t, t.question())
	}
	return f.issue(ctx, t)
}

// without goes on as far as that goes without what the user was asked to prove
// and cannot.
func (f *Flow) without(ctx context.Context, t *turn) (oauth.Authorization, error) {
	if t.needsHub() {
		return f.end(ctx, t.id, t.request, fosite.ErrAccessDenied.WithDescription("The user is not in the hub of the client.").WithHint(""))
	}
	if _, class := t.needsMore(); class != "" {
		if err := f.Requests.note(ctx, t.id, t.login.Subject, class); err != nil {
			return oauth.Authorization{}, err
		}
		t.unable = class
	}
	return f.decide(ctx, t)
}

// allowed tells whether the user need not be asked: because of the answer just
// given, an earlier one, or the client being the operator's own.
func (f *Flow) allowed(ctx context.Context, t *turn) (bool, error) {
	r := t.request
	switch {
	case t.allowed:
		return true, nil
	case r.prompts(oauth.PromptConsent):
		return false, nil
	case r.Client.Public() && !redirect.Assured(r.RedirectURI):
		// Any program on the user's device could pose as this one, even as the
		// operator's own, so what was allowed before was perhaps allowed to
		// another (RFC 8252 section 8.6).
		return false, nil
	case r.Client.FirstParty:
		return true, nil
	}
	found, err := f.Consents.Find(ctx, t.login.Subject, r.Client.ID, r.Revealed)
	t.earlier = &found
	// What was allowed before the scopes came to mean more goes on as it was. A
	// request that names what is new asks for it, if there is anybody to ask.
	t.narrow = found.Covered && found.Meaning < scope.Meaning
	return found.Covered && (!t.narrow || !r.namesSaid || r.prompts(promptNone)), err
}

// wait stores the request until its user has done what is asked.
func (f *Flow) wait(ctx context.Context, t *turn, prompt string) (oauth.Authorization, error) {
	var asked string
	if prompt == oauth.PromptConsent {
		asked = t.login.Subject
	}
	var err error
	switch {
	case t.id == "":
		t.id, err = f.Requests.add(ctx, t.request, asked, t.created)
	case !t.waited:
		err = f.Requests.open(ctx, t.request, t.id, asked, t.created)
	case asked != "" && !t.asked:
		err = f.Requests.ask(ctx, t.id, asked)
	}
	if errors.Is(err, errFull) {
		return f.refuse(t.request, err)
	}
	if err != nil {
		return oauth.Authorization{}, err
	}
	interaction := t.request.interaction(t.id, prompt, t.unable)
	if prompt == oauth.PromptConsent {
		f.Metrics.Authorization("consent")
		return oauth.Authorization{Consent: interaction}, nil
	}
	f.Metrics.Authorization("login")
	return oauth.Authorization{Login: interaction}, nil
}
