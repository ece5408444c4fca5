package portal_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const (
	endSession = "/oauth2/logout?id_token_hint=h&state=s"
	bye        = "https://app.example.net/bye?state=s"
)

// asked is what the app's request comes to.
func (w *world) asked(proven bool, redirect string) {
	w.oauth.logout = oauth.Logout{Proven: proven, Redirect: redirect, Client: &w.oauth.interaction.Client}
}

// frame makes an app want to hear of every session's end in the browser.
func (w *world) frame(addresses ...string) {
	w.oauth.frames = map[string][]string{}
	for _, hash := range w.sessions.Hashes() {
		w.oauth.frames[hash] = addresses
	}
}

// hiddenFields are the fields of the page's last form, key, value pairs.
func (a answer) hiddenFields() (action string, fields []string) {
	a.t.Helper()
	forms := elements(a.page(), "form")
	require.NotEmpty(a.t, forms)
	form := forms[len(forms)-1]
	action, _ = attribute(form, "action")
	for _, input := range elements(form, "input") {
		name, _ := attribute(input, "name")
		value, _ := attribute(input, "value")
		fields = append(fields, name, value)
	}
	return action, fields
}

func TestAProvenLogoutIsNotConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.asked(true, bye)
	a := b.get(endSession)
	assert.Equal(t, bye, a.location())
	assert.Empty(t, b.cookies)
	require.Len(t, w.oauth.began, 1)
	assert.Equal(t, map[string][]string{"id_token_hint": {"h"}, "state": {"s"}}, w.oauth.began[0].Form)
	assert.Equal(t, gatewaytest.UserHash, w.oauth.began[0].Login.Subject)
	assert.Empty(t, w.sessions.Hashes())
}

func TestALogoutThatProvesNothingIsConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.asked(false, bye)
	a := b.get(endSession + "&language=de")
	require.Equal(t, http.StatusOK, a.Code)
	assert.Contains(t, a.text(), "Rota Planner möchte Sie abmelden")
	assert.Contains(t, a.Header().Get("Content-Security-Policy"), "form-action 'self' https:")
	assert.Len(t, w.sessions.Hashes(), 1, "nothing has happened yet")

	action, fields := a.hiddenFields()
	assert.Equal(t, []string{"subject", gatewaytest.UserHash, "id_token_hint", "h", "state", "s"}, fields)
	other := append([]string{"subject", strings.Repeat("0", 40)}, fields[2:]...)
	assert.Equal(t, http.StatusOK, b.post(action, other...).Code, "somebody else has signed in meanwhile")
	assert.Len(t, w.sessions.Hashes(), 1)

	b.site = "cross-site"
	assert.Equal(t, http.StatusForbidden, b.post(action, fields...).Code, "only our own page answers")
	b.site = "same-origin"
	assert.Equal(t, bye, b.post(action, fields...).location())
	assert.NotContains(t, b.cookies, sessionCookie)
	assert.Empty(t, w.sessions.Hashes())
}

// A post from another site comes without the cookie.
func TestALogoutByPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.asked(true, bye)
	b.site = "cross-site"
	a := b.post("/oauth2/logout", "id_token_hint", "h", "state", "s")
	require.Equal(t, endSession, a.location())
	assert.Equal(t, bye, b.follow(a).location())
	assert.Empty(t, w.sessions.Hashes())

	b = w.signedIn()
	a = b.post("/oauth2/logout", "id_token_hint", "h", "state", "s")
	assert.Equal(t, bye, a.location(), "of an app on the same site")
	assert.Empty(t, w.sessions.Hashes())
}

func TestALogoutTooLongForAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.asked(true, bye)
	b.site = "cross-site"
	hint := strings.Repeat("h", 5<<10)
	a := b.post("/oauth2/logout", "id_token_hint", hint)
	require.Equal(t, http.StatusOK, a.Code)
	assert.Len(t, w.sessions.Hashes(), 1)
	action, fields := a.hiddenFields()
	b.site = "same-origin"
	assert.Equal(t, bye, b.post(action, fields...).location())
	assert.Equal(t, []string{hint}, w.oauth.began[1].Form["id_token_hint"])
	assert.Empty(t, w.sessions.Hashes())
}

func TestWhoIsNotSignedInIsSentBackAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked(false, bye)
	assert.Equal(t, bye, w.browser().get(endSession).location())
	w.asked(false, "")
	a := w.browser().get("/oauth2/logout")
	assert.Equal(t, "You are signed out – Gatehouse", a.title())
	assert.Empty(t, a.Header().Get("Refresh"))
}

func TestAWrongLogoutRequestLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.logout = oauth.Logout{Problem: &oauth.Problem{Code: "invalid_request", Description: "The client_id is not known."}}
	b := w.signedIn()
	a := b.get(endSession)
	require.Equal(t, http.StatusBadRequest, a.Code)
	assert.Contains(t, a.text(), "The client_id is not known.")
	action, _ := a.hiddenFields()
	assert.Equal(t, "/logout", action, "nobody has to stay signed in for that")
	assert.Len(t, w.sessions.Hashes(), 1)
	assert.Equal(t, http.StatusBadRequest, b.post("/logout/app", "client_id", "x").Code)
	assert.Len(t, w.sessions.Hashes(), 1)
	a = w.browser().get(endSession)
	require.Equal(t, http.StatusBadRequest, a.Code)
	assert.Empty(t, elements(a.page(), "form"))
}

func TestNobodyIsSentToAScript(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"javascript:alert(1)", "data:text/html,x", "/elsewhere"} {
		w := newWorld(t)
		b := w.signedIn()
		w.asked(true, to)
		assert.Equal(t, http.StatusInternalServerError, b.get(endSession).Code, to)
		assert.Len(t, w.sessions.Hashes(), 1, to)
	}
}

func TestAppsHearOfALogoutInFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.frame("https://a.example/out?sid=1&iss=x", "https://a.example/too", "http://localhost:3000/out",
		"javascript:alert(1)", "https://evil.example;script-src/out", "://")
	w.asked(true, bye)
	a := b.get(endSession)
	require.Equal(t, http.StatusOK, a.Code)
	assert.Equal(t, "4; url="+bye, a.Header().Get("Refresh"))
	var sources []string
	for _, frame := range elements(a.page(), "iframe") {
		source, _ := attribute(frame, "src")
		sandbox, _ := attribute(frame, "sandbox")
		assert.Equal(t, "allow-scripts allow-same-origin", sandbox)
		sources = append(sources, source)
	}
	assert.Equal(t, []string{"https://a.example/out?sid=1&iss=x", "https://a.example/too", "http://localhost:3000/out"}, sources)
	policy := strings.Split(a.Header().Get("Content-Security-Policy"), "; ")
	assert.Contains(t, policy, "frame-src https://a.example http://localhost:3000")
	assert.Contains(t, policy, "default-src 'none'")
	assert.Contains(t, a.text(), "Back to Rota Planner")
	assert.Empty(t, b.cookies)
}

func TestTheOwnLogoutTellsAppsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.frame("https://a.example/out")
	a := b.post("/logout")
	require.Equal(t, http.StatusOK, a.Code)
	assert.Len(t, elements(a.page(), "iframe"), 1)
	assert.Equal(t, "4; url=/", a.Header().Get("Refresh"))
	assert.Empty(t, w.sessions.Hashes())
}

// Who wants to sign out does so even if nobody can tell which apps to tell.
func TestALogoutWithoutTheOAuthService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.oauth.away = errors.New("away")
	assert.Equal(t, "/", b.post("/logout").location())
	assert.Empty(t, w.sessions.Hashes())
}

// An app knows nothing of such a session, and what it was opened from goes on.
func TestAppsDoNotEndWhatSomebodyActsFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hub := int64(1)
	own := w.sessions.Open(sessions.ScopeFull, &hub)
	acting, err := w.sessions.Impersonate(t.Context(), sessions.ImpersonateRequest{
		Session: own.Session.ID, User: own.Session.User, UserHash: gatewaytest.UserHash, Hub: hub,
	})
	require.NoError(t, err)
	b := w.browser()
	b.cookies[sessionCookie] = acting.Token
	w.asked(false, bye)
	a := b.get(endSession)
	require.Equal(t, http.StatusOK, a.Code)
	assert.Nil(t, w.oauth.began[0].Login)
	action, fields := a.hiddenFields()
	assert.Equal(t, bye, b.post(action, fields...).location())
	assert.Equal(t, []string{own.Session.Hash}, w.sessions.Hashes())
}

func TestALogoutDoesNotDisturbALogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.cookies[sessionCookie] = w.sessions.Open(sessions.ScopeCode, nil).Token
	w.asked(false, "")
	assert.Equal(t, http.StatusOK, b.get("/oauth2/logout").Code)
	assert.NotEmpty(t, b.cookies)
	assert.Len(t, w.sessions.Hashes(), 1)
}

func TestMalformedLogoutsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	assert.Equal(t, http.StatusBadRequest, b.get("/oauth2/logout?state=%ff").Code)
	assert.Equal(t, http.StatusRequestEntityTooLarge, b.post("/oauth2/logout", "state", strings.Repeat("s", 65<<10)).Code)
	assert.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodPut, "/oauth2/logout").Code)
	w.asked(false, "")
	b.get("/oauth2/logout?" + url.Values{"state": {"a", "b"}}.Encode())
	assert.Equal(t, []string{"a", "b"}, w.oauth.began[0].Form["state"], "it is for the oauth service to refuse")
}
