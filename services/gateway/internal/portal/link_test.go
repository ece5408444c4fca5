package portal_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/portal"
)

const (
	linkPath   = "/link/" + gatewaytest.ActivationLink
	goodPW     = "four gates in a row"
	opensCalls = "OpenLink"
)

// finish sends a complete activation form.
func (b *browser) finish() answer {
	return b.post("/activation", "name", "South Tower", "password", goodPW, "password_confirmation", goodPW, "terms", "1")
}

func TestActivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	require.Equal(t, http.StatusOK, b.get(linkPath).Code)
	assert.NotContains(t, w.accounts.Calls(), opensCalls, "a mail scanner opens links, too")

	a := b.post(linkPath)
	assert.Equal(t, "/activation", a.location())
	assert.Equal(t, sessions.ScopeActivationFinish, w.sessions.Created()[0].Scope)
	narrow := b.cookies[sessionCookie]

	form := b.follow(a)
	assert.Contains(t, form.text(), "Hello Olli!")
	assert.Equal(t, gatewaytest.Email, form.field("username"))
	assert.Nil(t, withID(form.page(), "first_name"), "the name is known")
	assert.Equal(t, form.Body.String(), b.get("/activation").Body.String(), "it can be reloaded")

	done := b.finish()
	assert.Equal(t, http.StatusSeeOther, done.Code)
	assert.Equal(t, "/", done.location())
	assert.NotEqual(t, narrow, b.cookies[sessionCookie])
	assert.Equal(t, []string{sessionCookie}, keys(b.cookies), "nothing else is left behind")
	assert.Equal(t, "Your account – Gatehouse", b.follow(done).title())
	require.Len(t, w.accounts.Finished, 1)
	finished := w.accounts.Finished[0]
	assert.Equal(t, gatewaytest.ActivationID, finished.Activation)
	assert.Equal(t, accounts.LinkActivation, finished.Kind)
	assert.Equal(t, "South Tower", finished.Name)
	assert.True(t, finished.Terms)
}

func TestGoingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post(linkPath)
	assert.Equal(t, "/activation", b.get(linkPath).location(), "to the link, before finishing")
	assert.Equal(t, "/activation", b.post(linkPath).location(), "or clicking twice")
	assert.Equal(t, 1, count(w.accounts.Calls(), opensCalls))

	require.Equal(t, "/", b.finish().location())
	assert.Equal(t, "/", b.get("/activation").location(), "to the form, after finishing")
	assert.Equal(t, "/", b.finish().location(), "or sending it twice")
	assert.Len(t, w.accounts.Finished, 1)
	assert.Equal(t, http.StatusGone, b.post(linkPath).Code)
}

func TestLinksThatDoNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.browser().post(linkPath)
	for _, test := range []struct {
		hash   string
		status int
		says   string
	}{
		{gatewaytest.ActivationLink, http.StatusGone, "This link has expired or has already been used."},
		{strings.Repeat("0", 40), http.StatusNotFound, "This link is not valid."},
		{"short", http.StatusNotFound, "This link is not valid."},
	} {
		b := w.browser()
		a := b.post("/link/" + test.hash)
		assert.Equal(t, test.status, a.Code, test.hash)
		assert.Contains(t, a.text(), test.says)
		assert.Empty(t, b.cookies)
	}
}

// A link must not be spent while no session can be opened.
func TestLinkWhileSessionsAreAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sessions.Away()
	assert.Equal(t, http.StatusServiceUnavailable, w.browser().post(linkPath).Code)
	assert.NotContains(t, w.accounts.Calls(), opensCalls)
}

func TestInvitationToAHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.Change(func(a *accounts.Account) {
		a.User.FirstName, a.User.LastName = "", ""
		a.Hubs[0].Name = strings.Repeat("橋", 1000)
	})
	b := w.browser()
	form := b.follow(b.post("/link/" + gatewaytest.InvitationLink))
	assert.Contains(t, form.text(), "You have been invited to the hub 橋橋橋")
	assert.Nil(t, withID(form.page(), "name"), "there is a hub already")
	for name, value := range b.cookies {
		assert.Less(t, len(name)+len(value), 4096, "a browser drops a larger cookie")
	}

	a := b.post("/activation", "first_name", "Kim", "last_name", "Example",
		"password", goodPW, "password_confirmation", goodPW, "terms", "1")
	require.Equal(t, "/", a.location())
	assert.Equal(t, "Kim", w.accounts.Finished[0].FirstName)
	assert.Equal(t, "Example", w.accounts.Finished[0].LastName)
	assert.Equal(t, accounts.LinkInvitation, w.accounts.Finished[0].Kind)
}

func TestActivationThatIsIncomplete(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fields []string
		says   []string
	}{
		{"nothing", nil, []string{
			"The hub name field is required.", "The password field is required.", "The terms field must be accepted.",
		}},
		{"short", []string{"password", "short", "password_confirmation", "short"}, []string{"The password field must have at least 10 characters."}},
		{"not confirmed", []string{"password", goodPW, "password_confirmation", "other"}, []string{"The password field does not match its confirmation."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			b.post(linkPath)
			a := b.post("/activation", test.fields...)
			assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
			for _, says := range test.says {
				assert.Equal(t, 2, strings.Count(a.text(), says), "in the summary and at the field: %s", says)
			}
			for _, field := range test.fields {
				assert.NotContains(t, a.Body.String(), `value="`+field)
			}
			assert.Equal(t, "/", b.finish().location(), "it can be put right")
		})
	}
}

func TestActivationThatLapsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post(linkPath)
	w.clock.Advance(31 * time.Minute)
	for _, a := range []answer{b.get("/activation"), b.finish()} {
		assert.Equal(t, http.StatusGone, a.Code)
		assert.Contains(t, a.text(), "Too much time has passed")
	}
	assert.Empty(t, w.accounts.Finished)
}

// A browser that holds what is left of an earlier link opens the next one.
func TestLinkAfterOneThatLapsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post(linkPath)
	w.clock.Advance(31 * time.Minute)
	a := b.post("/link/" + gatewaytest.InvitationLink)
	assert.Equal(t, "/activation", a.location())
	assert.Len(t, a.Result().Cookies(), 2, "each cookie is set once")
	assert.Contains(t, b.follow(a).text(), "You have been invited")
}

func TestLogoutForgetsTheLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post("/register?authorization="+pendingID, "first_name", "a", "last_name", "b", "email", "a@example.org")
	b.post(linkPath)
	require.Len(t, b.cookies, 3)
	b.post("/logout")
	assert.Empty(t, b.cookies)
}

func TestActivationThatIsAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post(linkPath)
	w.accounts.Fail("FinishActivation", fault.New(fault.NotFound, ""))
	a := b.finish()
	assert.Equal(t, http.StatusGone, a.Code)
	assert.Contains(t, a.text(), "or you have finished already")
}

// What the cookie says is shown, and otherwise worth nothing.
func TestActivationCookieThatWasChanged(t *testing.T) {
	t.Parallel()
	const name = "__Host-gatehouse_activation"
	w := newWorld(t)
	b := w.browser()
	b.post(linkPath)
	b.cookies[name] = "eyJsIjoieCIsImEiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIn0"
	assert.Equal(t, http.StatusGone, b.finish().Code, "another's activation")
	b.cookies[name] = "no base64"
	assert.Equal(t, http.StatusGone, b.finish().Code)
	assert.Empty(t, w.accounts.Finished)

	signedIn := w.signedIn()
	signedIn.cookies[name] = "e30"
	assert.Equal(t, "/", signedIn.finish().location(), "a full session finishes nothing")
	assert.Empty(t, w.accounts.Finished)
}

func TestRegisteringForAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	login := b.get("/login?authorization=" + pendingID)
	assert.Contains(t, login.Body.String(), `href="/register?authorization=`+pendingID)
	b.post("/register?authorization="+pendingID, "first_name", "Olli", "last_name", "Kahn", "email", gatewaytest.Email)
	form := b.follow(b.post(linkPath))
	assert.Contains(t, form.Header().Get("Content-Security-Policy"), "form-action 'self' https:;", "the form ends at the app")
	a := b.finish()
	assert.Equal(t, "/oauth2/resume?authorization="+pendingID, a.location())
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
}

func TestRegisteringForAnAppThatGaveUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post("/register?authorization=expired", "first_name", "Olli", "last_name", "Kahn", "email", gatewaytest.Email)
	b.post(linkPath)
	assert.Equal(t, "/", b.finish().location())
}

func TestRegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/register?language=de")
	a := b.post("/register", "first_name", "Olli", "last_name", "Kahn", "email", "neu@example.org")
	assert.Equal(t, http.StatusSeeOther, a.Code)
	assert.Equal(t, "/register/sent", a.location())
	require.Len(t, w.accounts.Registered, 1)
	r := w.accounts.Registered[0]
	assert.Equal(t, "neu@example.org", r.Email)
	assert.Equal(t, accounts.German, r.Language, "the mail speaks the language of the page")
	assert.NotEmpty(t, r.Origin.Address)
	assert.NotContains(t, b.follow(a).text(), "neu@example.org")
}

func TestRegisterWithMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.browser().post("/register", "first_name", `"><script>`, "email", "nowhere")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Equal(t, `"><script>`, a.field("first_name"))
	assert.Equal(t, "nowhere", a.field("email"))
	assert.Contains(t, a.text(), "The last name field is required. The email field must be a valid email address.")
	assert.Empty(t, elements(a.page(), "script"))
}

func TestRegistrationClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(d *portal.Deps) { d.SelfRegistration = false })
	b := w.browser()
	for _, path := range []string{"/", "/login", "/login?authorization=" + pendingID} {
		assert.NotContains(t, b.get(path).Body.String(), "/register", path)
	}
	for _, a := range []answer{b.get("/register"), b.post("/register", "first_name", "a", "last_name", "b", "email", "a@example.org")} {
		assert.Equal(t, http.StatusForbidden, a.Code)
		assert.Contains(t, a.text(), "Registration is not open. Please ask for an invitation.")
	}
	assert.Empty(t, w.accounts.Registered)
}

// The setting is the accounts service's in the end.
func TestRegistrationClosedBehindUs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.Fail("InitiateActivation", fault.New(fault.Forbidden, "fault.registration_off"))
	a := w.browser().post("/register", "first_name", "a", "last_name", "b", "email", "a@example.org")
	assert.Equal(t, http.StatusForbidden, a.Code)
	assert.Contains(t, a.text(), "Registration is not open.")
}

func count(list []string, s string) int {
	return len(slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x != s }))
}

func keys(m map[string]string) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	return list
}
