package authorize

import (
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acr"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// turn is one look at a request: when it arrives and whenever it is resumed.
type turn struct {
	request *Request
	login   *oauth.Login // nil: nobody is logged in
	id      string       // of the stored request, "" if it is not stored
	waited  bool         // it has been shown to its user before
	created time.Time    // when the browser brought the request
	name    string       // what the client calls the login's user
	// unable is the class that this login's user has said not to reach.
	unable string
	// asked: the consent page was shown to this login's user.
	asked bool
	// selected: the user has confirmed that this is the account they mean.
	selected bool
	// decided: a yes came with this turn, whether or not its user was asked.
	decided bool
	// allowed: the user has just said yes, and was asked.
	allowed bool
	// earlier is what the user has allowed before, if the decision rests on it.
	earlier *consent.Found
	// narrow: the user has said yes before the scopes came to mean more.
	narrow bool
}

// meaning is what the scopes of the grant mean.
func (t *turn) meaning() int {
	if t.narrow {
		return scope.Narrow
	}
	return scope.Meaning
}

// fresh tells whether the user has logged in because of this request. When it
// has just arrived nobody can have, whatever another machine's clock says.
func (t *turn) fresh() bool {
	return t.login != nil && t.waited && !t.login.AuthenticatedTime.Before(t.created)
}

// needsLogin is what the user has to do about their login, "" for nothing.
func (t *turn) needsLogin() string {
	r := t.request
	switch {
	case t.login != nil && !t.login.CountsFor(r.Client.Client):
		return oauth.PromptLogin // a hub's own provider has opened the session
	case t.fresh():
		return ""
	case r.prompts(oauth.PromptCreate) && !t.selected:
		return oauth.PromptCreate
	case t.login == nil || r.asksLogin() || t.stale() || !r.of(t.name):
		return oauth.PromptLogin
	case r.prompts(oauth.PromptSelectAccount) && !t.selected:
		return oauth.PromptSelectAccount
	}
	return ""
}

// needsHub tells whether the session is in another hub than the client's.
func (t *turn) needsHub() bool {
	hub := t.request.Client.Hub
	return hub != nil && (t.login.Hub == nil || *t.login.Hub != *hub)
}

// needsMore tells whether the login is of too low a class, and to which one it
// could be stepped up, "" for none.
func (t *turn) needsMore() (bool, string) {
	d := t.request.demand
	if d.met(acr.Of(t.login.Methods)) {
		return false, ""
	}
	return true, d.next(t.unable)
}

// grantable are the scopes of the list that the login can grant.
func (t *turn) grantable(scopes []string) []string {
	if t.login.ProviderHub == nil {
		return scopes
	}
	return scope.Confined(scopes)
}

// question is what to ask a user who has to allow the request. Who says yes
// without having been asked, be it that the account was changed in between or
// that no person saw a page, is not taken to be asked by it: they pick their
// account, and are asked when they come back without an answer.
func (t *turn) question() string {
	if t.decided && !t.asked {
		return oauth.PromptSelectAccount
	}
	return oauth.PromptConsent
}

// stale tells whether the login was older than max_age when the request came.
func (t *turn) stale() bool {
	return t.request.MaxAge != nil && t.login.AuthenticatedTime.Add(*t.request.MaxAge).Before(t.created)
}

// checkLogin guards against a caller that does not say who is logged in.
func checkLogin(l *oauth.Login) error {
	if l != nil && (l.Subject == "" || l.AuthenticatedTime.IsZero()) {
		return errors.New("authorize: a login without its subject or its time")
	}
	return nil
}
