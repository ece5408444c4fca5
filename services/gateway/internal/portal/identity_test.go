package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const (
	withCompany  = "/login/with/" + gatewaytest.Provider
	fromCompany  = "/login/identity/" + gatewaytest.Provider
	identityKept = "__Host-gatehouse_identity"
)

// atCompany is a browser whose user is at the provider, and what it comes back
// with.
func (w *world) atCompany(query string) (*browser, url.Values) {
	w.t.Helper()
	b := w.browser()
	a := b.post(withCompany + query)
	require.Equal(w.t, http.StatusSeeOther, a.Code)
	to, err := url.Parse(a.location())
	require.NoError(w.t, err)
	require.Equal(w.t, "company.example", to.Host)
	return b, url.Values{"state": {to.Query().Get("state")}, "code": {gatewaytest.UpstreamCode}}
}

func TestSigningInAtAProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	page := w.browser().get("/login" + waits)
	assert.Contains(t, page.text(), "Continue with Company account")
	assert.Contains(t, page.Header().Get("Content-Security-Policy"), "form-action 'self' https:")
	b, answer := w.atCompany(waits)
	require.Len(t, w.oauth.begun, 1)
	assert.Equal(t, origin+fromCompany, w.oauth.begun[0].RedirectURI)
	assert.Len(t, b.cookies, 1)

	a := b.get(fromCompany + "?" + answer.Encode())
	require.Equal(t, resumeWaits, a.location(), "to where the login was going")
	assert.Equal(t, []string{sessionCookie}, keys(b.cookies))
	assert.Equal(t, []sessions.Method{sessions.MethodUpstream}, w.sessions.Created()[0].Methods)
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
	again := b.get(fromCompany + "?" + answer.Encode())
	assert.Equal(t, http.StatusGone, again.Code)
	assert.Equal(t, "Your account – Gatehouse", b.get("/").title(), "nobody is signed out by that")
}

// Apple posts its answer, from its own site.
func TestProviderThatPosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b, answer := w.atCompany("")
	b.site = "cross-site"
	a := b.post(fromCompany, "state", answer.Get("state"), "code", answer.Get("code"), "user", "{}", "authorization", "x")
	require.Equal(t, fromCompany+"?"+answer.Encode(), a.location())
	assert.Empty(t, w.sessions.Created())
	assert.Equal(t, "/", b.get(a.location()).location())
	assert.Len(t, w.sessions.Created(), 1)
	assert.Equal(t, http.StatusBadRequest, b.post(fromCompany, "code", strings.Repeat("x", 5000)).Code)
}

func TestAnswersOfProvidersThatDoNotCount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*world, *browser, url.Values)
		status int
		says   string
	}{
		"no cookie":        {func(_ *world, b *browser, _ url.Values) { delete(b.cookies, identityKept) }, 410, "begun in another browser"},
		"a made up cookie": {func(_ *world, b *browser, _ url.Values) { b.cookies[identityKept] = "e30" }, 410, "begun in another browser"},
		"another's cookie": {func(w *world, b *browser, _ url.Values) {
			other, _ := w.atCompany("")
			b.cookies[identityKept] = other.cookies[identityKept]
		}, 410, "begun in another browser"},
		"no state":      {func(_ *world, _ *browser, a url.Values) { a.Del("state") }, 410, "taken too long"},
		"unknown state": {func(_ *world, _ *browser, a url.Values) { a.Set("state", "x") }, 410, "taken too long"},
		"no code":       {func(_ *world, _ *browser, a url.Values) { a.Del("code") }, 410, "taken too long"},
		"wrong code":    {func(_ *world, _ *browser, a url.Values) { a.Set("code", "x") }, 422, "has not confirmed who you are"},
		"said no": {func(_ *world, _ *browser, a url.Values) {
			a.Del("code")
			a.Set("error", "access_denied")
		}, 422, "You have cancelled the sign-in with Company account."},
		"a service away": {func(w *world, _ *browser, _ url.Values) { w.oauth.upstream.Err = fault.New(fault.Unavailable, "") }, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).offering()
			b, answer := w.atCompany(waits)
			test.change(w, b, answer)
			a := b.get(fromCompany + "?" + answer.Encode())
			assert.Equal(t, test.status, a.Code)
			assert.Contains(t, a.text(), test.says)
			assert.Empty(t, w.sessions.Created())
			if test.status == http.StatusUnprocessableEntity {
				assert.Contains(t, a.Body.String(), "/login"+waits, "the request still waits")
			}
		})
	}
}

// The page for whom nobody here is has an address of its own: in another language it
// is had again, and leads back to the same request and the same hub.
func TestAnIdentityThatIsNobodys(t *testing.T) {
	t.Parallel()
	hub := strings.Repeat("b", 40)
	for query, back := range map[string]string{waits: "/login" + waits, "?hub=" + hub: "/login?hub=" + hub, "": "/login"} {
		w := newWorld(t).offering()
		b, answer := w.atCompany(query)
		w.oauth.upstream.Subject = "stranger"
		a := b.get(fromCompany + "?" + answer.Encode())
		require.Equal(t, http.StatusSeeOther, a.Code)
		a = b.follow(a)
		assert.Equal(t, http.StatusOK, a.Code)
		assert.Contains(t, a.text(), "not connected to an account here")
		german := b.get(languageLink(t, a, "de"))
		assert.Equal(t, "Noch nicht verbunden – Gatehouse", german.title())
		assert.Contains(t, german.Body.String(), `href="`+back+`"`)
		assert.Empty(t, w.sessions.Created())
		assert.NotContains(t, b.cookies, sessionCookie)
	}
	b := newWorld(t).offering().browser()
	assert.Equal(t, http.StatusGone, b.get("/login/unknown?authorization=expired").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, b.post("/login/unknown").Code)
}

func TestBeginningAtAProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.browser()
	assert.Equal(t, http.StatusNotFound, b.post("/login/with/unknown").Code)
	assert.Equal(t, http.StatusGone, b.post(withCompany+"?authorization=expired").Code)
	assert.Equal(t, http.StatusMethodNotAllowed, b.get(withCompany).Code, "nobody is sent there by a link")
	b.site = "cross-site"
	assert.Equal(t, http.StatusForbidden, b.post(withCompany).Code)
	assert.Empty(t, b.cookies)
	w.oauth.upstream.Err = fault.New(fault.Unavailable, "").After(time.Minute)
	b.site = "same-origin"
	assert.Equal(t, http.StatusServiceUnavailable, b.post(withCompany).Code)
	page := b.get("/login")
	assert.Equal(t, http.StatusOK, page.Code, "one can still sign in")
	assert.NotContains(t, page.text(), "Continue with")
}

// An app of a hub is signed in to at that hub's providers, and to that hub.
func TestProvidersOfAHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	hub := int64(2)
	w.oauth.hub = &hub
	w.browser().get("/login" + waits)
	assert.Equal(t, &hub, w.oauth.asked[0].Hub)
	w.atCompany(waits)
	assert.Equal(t, &hub, w.oauth.begun[0].Hub)
}

func TestAHubThatWantsAProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b, _ := w.ofHub(2)
	w.accounts.failing("Admit", fault.New(fault.Forbidden, "fault.provider_required", "Provider", "Company account"))
	a := b.post("/login/hub" + waits)
	assert.Equal(t, http.StatusOK, a.Code)
	assert.Contains(t, a.text(), "This hub can only be entered by signing in with Company account.")
	form := elements(elements(a.page(), "main")[0], "form")[0]
	action, _ := attribute(form, "action")
	assert.Equal(t, withCompany+waits, action)
	assert.Contains(t, a.Header().Get("Content-Security-Policy"), "form-action 'self' https:")
	assert.Equal(t, "Your account – Gatehouse", b.get("/").title())
}
