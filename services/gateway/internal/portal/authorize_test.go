package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/portal"
)

func TestAuthorizeSaysWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.get("/oauth2/authorize?client_id=rota&scope=openid+email&state=x&language=de")
	assert.Equal(t, http.StatusSeeOther, a.Code)
	assert.Equal(t, "/login?authorization="+pendingID, a.location())
	assert.Equal(t, "no-store", a.Header().Get("Cache-Control"))

	b.signIn()
	a = b.get("/oauth2/authorize?client_id=rota&resource=a&resource=b")
	assert.Equal(t, "/consent?authorization="+pendingID, a.location())

	require.Len(t, w.oauth.authorized, 2)
	first, second := w.oauth.authorized[0], w.oauth.authorized[1]
	assert.Equal(t, map[string][]string{"client_id": {"rota"}, "scope": {"openid email"}, "state": {"x"}}, first.Form, "without the language, which is ours")
	assert.Nil(t, first.Login)
	assert.Equal(t, []string{"a", "b"}, second.Form["resource"])
	require.NotNil(t, second.Login)
	assert.Equal(t, gatewaytest.UserHash, second.Login.Subject)
	assert.Len(t, second.Login.Session, 40)
	assert.Equal(t, []string{"pwd"}, second.Login.Methods)
	assert.EqualValues(t, 1, *second.Login.Hub)
	assert.Equal(t, w.clock.Now(), second.Login.AuthenticatedTime)
}

// An app may post the request (OpenID Connect Core section 3.1.2.1). Browsers
// then keep the session cookie back.
func TestAuthorizeByPostOfAnotherSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	b.site = "cross-site"
	a := b.post("/oauth2/authorize", "client_id", "rota", "state", "a&b=c")
	assert.Equal(t, http.StatusSeeOther, a.Code)
	assert.Empty(t, w.oauth.authorized, "nothing has happened yet")
	assert.NotEmpty(t, b.cookies[sessionCookie], "nobody is signed out by that")

	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
	require.Len(t, w.oauth.authorized, 1)
	assert.Equal(t, map[string][]string{"client_id": {"rota"}, "state": {"a&b=c"}}, w.oauth.authorized[0].Form)
	assert.NotNil(t, w.oauth.authorized[0].Login)
}

func TestAuthorizeByPostThatIsTooLongForAURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	b.site = "cross-site"
	a := b.post("/oauth2/authorize", "client_id", "rota", "request", strings.Repeat("x", 10_000))
	require.Len(t, w.oauth.authorized, 1)
	assert.Nil(t, w.oauth.authorized[0].Login)
	assert.Equal(t, "/oauth2/resume?authorization="+pendingID, a.location())
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
	assert.NotNil(t, w.oauth.resumed[0].Login)
}

func TestAuthorizeByPostOfOurOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.signedIn().post("/oauth2/authorize", "client_id", "rota")
	assert.Equal(t, "/consent?authorization="+pendingID, a.location())
}

func TestAuthorizeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for name, a := range map[string]answer{
		"escape":    b.get("/oauth2/authorize?client_id=%zz"),
		"semicolon": b.get("/oauth2/authorize?client_id=a;b=c"),
		"not UTF-8": b.get("/oauth2/authorize?client_id=%ff"),
		"body":      b.postBody("/oauth2/authorize", "application/x-www-form-urlencoded", strings.NewReader("client_id=%zz")),
	} {
		assert.Equal(t, http.StatusBadRequest, a.Code, name)
	}
	a := b.postBody("/oauth2/authorize", "application/json", strings.NewReader("{}"))
	assert.Equal(t, http.StatusUnsupportedMediaType, a.Code)
	assert.Empty(t, w.oauth.authorized)
}

func TestProblemShowsTheError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.answer = &oauth.Authorization{Problem: &oauth.Problem{
		Code: "invalid_request", Description: "The <redirect_uri> is not one of the client's.",
	}}
	a := w.browser().get("/oauth2/authorize?client_id=rota&redirect_uri=https://evil.example")
	assert.Equal(t, http.StatusBadRequest, a.Code)
	assert.Empty(t, a.location())
	assert.Contains(t, a.text(), "You have done nothing wrong.")
	assert.Contains(t, a.text(), "invalid_request The <redirect_uri> is not one of the client's.")
}

func TestLeavingForAnApp(t *testing.T) {
	t.Parallel()
	for to, status := range map[string]int{
		"https://app.example.net/cb?code=a&state=b%20c": http.StatusSeeOther,
		"http://127.0.0.1:49152/cb?code=a":              http.StatusSeeOther,
		"http://[::1]:49152/cb?code=a":                  http.StatusSeeOther,
		"com.example.app:/cb?code=a":                    http.StatusSeeOther,
		"javascript:alert(1)":                           http.StatusInternalServerError,
		"data:text/html,x":                              http.StatusInternalServerError,
		"//evil.example/":                               http.StatusInternalServerError,
		"/somewhere":                                    http.StatusInternalServerError,
	} {
		w := newWorld(t)
		w.oauth.answer = &oauth.Authorization{Redirect: to}
		a := w.browser().get("/oauth2/authorize")
		assert.Equal(t, status, a.Code, to)
		if status == http.StatusSeeOther {
			assert.Equal(t, to, a.location())
		} else {
			assert.Empty(t, a.location(), to)
		}
	}
}

func TestAnswerThatSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.answer = &oauth.Authorization{}
	assert.Equal(t, http.StatusInternalServerError, w.browser().get("/oauth2/authorize").Code)
}

func TestExpiredAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	for _, id := range []string{"expired", "", strings.Repeat("x", 10_000), "../x", "a b"} {
		id = url.QueryEscape(id)
		for _, path := range []string{"/login", "/consent", "/oauth2/resume"} {
			if path == "/login" && id == "" {
				continue // which is a login for no app
			}
			a := b.get(path + "?authorization=" + id)
			assert.Equal(t, http.StatusGone, a.Code, path)
			assert.Contains(t, a.text(), "Please go back to the app and start again.")
		}
	}
}

func TestAuthorizationServiceAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.oauth.err = fault.New(fault.Unavailable, "")
	for _, path := range []string{"/oauth2/authorize", "/oauth2/resume", "/consent", "/login"} {
		a := b.get(path + "?authorization=" + pendingID)
		assert.Equal(t, http.StatusServiceUnavailable, a.Code, path)
		assert.NotEmpty(t, a.Header().Get("Retry-After"))
	}
}

// An app may send people to register (prompt=create).
func TestAuthorizeToRegister(t *testing.T) {
	t.Parallel()
	const choose = "/login?authorization=" + pendingID + "&prompt=select_account"
	w := newWorld(t)
	w.oauth.prompt = oauth.PromptCreate
	b := w.browser()
	a := b.get("/oauth2/authorize?client_id=rota")
	assert.Equal(t, "/register?authorization="+pendingID, a.location())
	assert.Contains(t, b.follow(a).Body.String(), `href="/login?authorization=`+pendingID)
	b.signIn()
	a = b.get("/oauth2/authorize?client_id=rota")
	assert.Equal(t, choose, a.location(), "who has an account may mean that one")
	assert.Contains(t, b.follow(a).text(), "Continue as Olli Kahn")

	w = newWorld(t, func(d *portal.Deps) { d.SelfRegistration = false })
	w.oauth.prompt = oauth.PromptCreate
	assert.Equal(t, choose, w.browser().get("/oauth2/authorize").location(), "nobody can")
}
