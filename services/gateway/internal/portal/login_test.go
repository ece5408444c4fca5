package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const sessionCookie = "__Host-gatehouse_session"

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.post("/login", "user", gatewaytest.Email, "password", gatewaytest.Password)
	assert.Equal(t, http.StatusSeeOther, a.Code)
	assert.Equal(t, "/", a.location())
	assert.NotEmpty(t, b.cookies[sessionCookie])

	home := b.follow(a).text()
	assert.Contains(t, home, "Olli Kahn")
	assert.Contains(t, home, gatewaytest.Email)
	assert.Contains(t, home, "Nordantech")
	assert.Contains(t, home, "Owner")
	assert.Contains(t, home, "just now")
	assert.Equal(t, "/", b.get("/login").location(), "nothing to do there any more")
	assert.Equal(t, "/", b.get("/register").location())
}

func TestLoginRemembers(t *testing.T) {
	t.Parallel()
	for value, remember := range map[string]bool{"": false, "1": true, "on": true} {
		w := newWorld(t)
		a := w.browser().post("/login", "user", gatewaytest.Email, "password", gatewaytest.Password, "remember", value)
		require.Len(t, a.Result().Cookies(), 1)
		assert.Equal(t, remember, a.Result().Cookies()[0].MaxAge > 0, "remember=%q", value)
		assert.Equal(t, remember, w.sessions.Created()[0].Remember)
	}
}

func TestLoginThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		user, password string
		fault          *fault.Fault
		status         int
		says           string
		retryAfter     string
	}{
		{name: "nothing", status: 422, says: "The email address or alias field is required. The password field is required."},
		{name: "no password", user: "a", status: 422, says: "The password field is required."},
		{name: "wrong", user: "a", password: "b", status: 422, says: "These credentials do not match our records."},
		{name: "control character", user: "a\x07b", password: "b", status: 422, says: "The email address or alias field may not contain control characters."},
		{name: "long", user: strings.Repeat("a", 1001), password: "b", status: 422, says: "The email address or alias field may not be longer than 1000 characters."},
		{
			name: "throttled", user: "a", password: "b", fault: fault.New(fault.Throttled, "").After(90 * time.Second),
			status: 429, says: "That was too often in a short time. Please try again in 2 minutes.", retryAfter: "90",
		},
		{name: "away", user: "a", password: "b", fault: fault.New(fault.Unavailable, ""), status: 503, retryAfter: "2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.fault != nil {
				w.accounts.Fail("Authenticate", test.fault)
			}
			b := w.browser()
			a := b.post("/login", "user", test.user, "password", test.password, "remember", "1")
			assert.Equal(t, test.status, a.Code)
			assert.Contains(t, a.text(), test.says)
			assert.Equal(t, test.retryAfter, a.Header().Get("Retry-After"))
			assert.Empty(t, b.cookies)
			if test.status == http.StatusServiceUnavailable {
				return
			}
			heading := "That did not work"
			if strings.Contains(test.says, " field ") {
				heading = "Please check your entries"
			}
			assert.Contains(t, a.Body.String(), `<h2 id="problems-title">`+heading+`</h2>`)
			assert.Equal(t, test.user, a.field("user"), "what was typed is still there")
			_, checked := attribute(withID(a.page(), "remember"), "checked")
			assert.True(t, checked)
			if test.password != "" {
				assert.NotContains(t, a.Body.String(), `value="`+test.password+`"`)
			}
		})
	}
}

// Whoever plants a session in a browser must not share what its user does next.
func TestLoginReplacesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	planted := b.cookies[sessionCookie]
	b.signIn()
	assert.NotEqual(t, planted, b.cookies[sessionCookie])

	other := w.browser()
	other.cookies[sessionCookie] = planted
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", other.get("/").title(), "the former session is over")
	assert.Empty(t, other.cookies, "and its cookie is taken away")
}

func TestLoginForAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.interaction.LoginHint = `robin"@example.org`
	b := w.browser()
	page := b.get("/login?authorization=" + pendingID)
	assert.Contains(t, page.text(), "to continue to Rota Planner")
	assert.Equal(t, `robin"@example.org`, page.field("user"))
	action, _ := attribute(elements(page.page(), "form")[0], "action")

	failed := b.post(action, "user", gatewaytest.Email, "password", "wrong")
	assert.Contains(t, failed.text(), "to continue to Rota Planner")
	assert.Equal(t, gatewaytest.Email, failed.field("user"), "what was typed, not the hint")

	a := b.post(action, "user", gatewaytest.Email, "password", gatewaytest.Password)
	assert.Equal(t, "/oauth2/resume?authorization="+pendingID, a.location())
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
}

func TestAppThatWantsProofAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.prompt = "login"
	b := w.signedIn()
	a := b.follow(b.get("/oauth2/authorize?client_id=rota&prompt=login"))
	assert.Contains(t, a.text(), "prove once more")
	assert.Equal(t, gatewaytest.Email, a.field("user"))
}

func TestPickingAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.prompt = "select_account"
	b := w.signedIn()
	a := b.follow(b.get("/oauth2/authorize?client_id=rota&prompt=select_account"))
	require.Contains(t, a.text(), "Continue as Olli Kahn")
	assert.Empty(t, a.field("user"), "the other way is for another account")

	b.get("/oauth2/resume?selected=true&authorization=" + pendingID)
	require.NotEmpty(t, w.oauth.resumed)
	assert.False(t, w.oauth.resumed[0].Selected, "a link picks nothing")

	stale := b.post("/oauth2/resume?authorization="+pendingID, "subject", strings.Repeat("0", 40))
	assert.Equal(t, "/login?authorization="+pendingID+"&prompt=select_account", stale.location(), "somebody else has signed in meanwhile")

	picked := b.post("/oauth2/resume?authorization="+pendingID, "subject", gatewaytest.UserHash)
	assert.Equal(t, "/consent?authorization="+pendingID, picked.location())
}

func TestLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	token := b.cookies[sessionCookie]
	a := b.post("/logout")
	assert.Equal(t, http.StatusSeeOther, a.Code)
	assert.Equal(t, "/", a.location())
	assert.Empty(t, b.cookies)

	b.cookies[sessionCookie] = token
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", b.get("/").title())
	assert.Equal(t, "/", b.post("/logout").location(), "twice is as good as once")
}

func TestLogoutThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.sessions.Fail("End", fault.New(fault.Unavailable, ""))
	assert.Equal(t, http.StatusServiceUnavailable, b.post("/logout").Code)
	assert.NotEmpty(t, b.cookies[sessionCookie], "it can be tried again")
}

func TestSessionIsRenewedByVisits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	first := b.cookies[sessionCookie]
	b.get("/")
	assert.Equal(t, first, b.cookies[sessionCookie], "not on every visit")
	w.clock.Advance(20 * time.Minute)
	b.post(consentPath, "decision", "allow", "subject", gatewaytest.UserHash)
	assert.NotEqual(t, first, b.cookies[sessionCookie])
	assert.Equal(t, 1, w.sessions.Calls("Refresh"), "and once per visit")
	w.clock.Advance(20 * time.Minute)
	assert.Equal(t, "Your account – Gatehouse", b.get("/").title())
	w.clock.Advance(31 * time.Minute)
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", b.get("/").title())
}

func TestAccountThatWasClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	w.accounts.Change(func(a *accounts.Account) { a.Hubs = nil })
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", b.get("/").title())
	assert.Empty(t, b.cookies)
}

// A token of the API in a header is no browser's session, and a narrow one is
// not signed in.
func TestWhatIsNotSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := w.sessions.Open(sessions.ScopeFull, nil).Token
	r := newRequest(http.MethodGet, "/")
	r.Header.Set("Authorization", "Bearer "+full)
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", w.browser().send(r).title())

	for _, scope := range sessions.Scopes() {
		b := w.browser()
		b.cookies[sessionCookie] = w.sessions.Open(scope, nil).Token
		want := "Welcome to Gatehouse – Gatehouse"
		if scope == sessions.ScopeFull {
			want = "Your account – Gatehouse"
		}
		assert.Equal(t, want, b.get("/").title(), scope)
		assert.NotEmpty(t, b.cookies, "the session goes on")
	}
}
