package portal_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const (
	again = "/login?authorization=here%3Aaccount"
	stale = 16 * time.Minute
)

func TestTheAccountPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.browser()
	require.Equal(t, again, b.get("/account").location())
	require.Equal(t, "/account", b.post(again, "user", gatewaytest.Email, "password", gatewaytest.Password).location())
	page := b.get("/account?done=removed")
	require.Equal(t, http.StatusOK, page.Code)
	for _, text := range []string{
		"Text messages to " + phone, "Recovery codes left, for when you have lost them: 7", "<Laptop>", "olli@other.example", "Link Company account",
		"Rota Planner", "rota.write", "Firefox, Linux", "This browser", "It has been removed.",
	} {
		assert.Contains(t, page.text(), text)
	}
	assert.NotContains(t, page.text(), "Authenticator app", "it is not confirmed")
	assert.NotContains(t, b.get("/account?done=nonsense").Body.String(), `role="status"`)
	b.language = "de"
	assert.Equal(t, "Sicherheit und Verbindungen – Gatehouse", b.get("/account?language=de").title())
}

func TestWhatIsDoneOnTheAccountPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.signedIn()
	w.clock.Advance(stale) // none of this adds a way in
	for path, done := range map[string]string{"/account/unlink": "unlinked", "/account/app": "revoked"} {
		assert.Equal(t, "/account?done="+done, b.post(path, "id", thingHash).location())
		assert.Equal(t, "/account", b.post(path, "id", "nonsense").location())
	}
	assert.Equal(t, []string{gatewaytest.UserHash + " " + thingHash}, w.oauth.revoked)
	for _, kind := range []string{"factor", "passkey"} {
		at := "/account/remove?kind=" + kind + "&id=" + thingHash
		assert.Contains(t, b.get(at).text(), "Please confirm with your password.")
		assert.Equal(t, http.StatusUnprocessableEntity, b.post(at, "password", "").Code)
		assert.Equal(t, "/account?done=removed", b.post(at, "password", "secret").location())
	}
	assert.Equal(t, []string{"unlink " + thingHash, "remove factor " + thingHash + " secret", "remove passkey " + thingHash + " secret"}, w.accounts.done)
	assert.Equal(t, "/account", b.get("/account/remove?kind=hub&id="+thingHash).location())
	w.accounts.failing("unlink "+thingHash, fault.New(fault.Conflict, "fault.last_login"))
	refused := b.post("/account/unlink", "id", thingHash)
	assert.Equal(t, http.StatusUnprocessableEntity, refused.Code)
	assert.Contains(t, refused.text(), "Nothing else would be left to sign in with.")

	other := w.signedIn()
	assert.Equal(t, "/account?done=ended_others", b.post("/account/sessions").location())
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", other.get("/").title())
	assert.Equal(t, "/account?done=password", b.post("/account/password", "current_password", gatewaytest.Password,
		"password", "a day to remember well", "password_confirmation", "a day to remember well").location())
	assert.Equal(t, gatewaytest.Password, w.accounts.changed[0].CurrentPassword)
	assert.False(t, w.accounts.changed[0].Forced)

	b.site = "cross-site"
	assert.NotEqual(t, http.StatusSeeOther, b.post("/account/unlink", "id", thingHash).Code, "not for another site")
}

// Whoever has got hold of a session must not be able to make themselves at home.
func TestAddingAWayInTakesAFreshLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.signedIn()
	w.clock.Advance(stale)
	link := "/account/identity/" + gatewaytest.Provider
	assert.Equal(t, again, b.get("/account/factor").location())
	for _, path := range []string{"/account/factor", "/account/factor/confirm", "/account/factor/passkey", "/account/codes", link} {
		assert.Equal(t, again, b.post(path, "channel", "3", "factor", factorHash, "code", rightCode, "ceremony", ceremony, "credential", credential).location(), path)
	}
	assert.Empty(t, w.accounts.done)
	assert.Empty(t, w.accounts.enrolled)
	assert.Empty(t, w.oauth.begun)
	assert.Contains(t, b.get(again).text(), "Please prove once more that it is you.")
	require.Equal(t, "/account", b.post(again, "user", gatewaytest.Email, "password", gatewaytest.Password).location())

	assert.Contains(t, b.get("/account/factor").text(), "Use an authenticator app")
	begun := b.post("/account/factor", "channel", "3")
	assert.Contains(t, begun.text(), "JBSW Y3DP")
	assert.Equal(t, http.StatusUnprocessableEntity, b.post("/account/factor/confirm", "factor", factorHash, "code", "000000").Code)
	confirmed := b.post("/account/factor/confirm", "factor", factorHash, "secret", secret, "code", rightCode)
	assert.Contains(t, confirmed.Body.String()+confirmed.location(), "/account?done=factor")
	assert.Equal(t, "/account?done=passkey", b.post("/account/factor/passkey", "ceremony", ceremony, "credential", credential).location())
	assert.Contains(t, b.post("/account/codes").text(), recoveryCode)
	assert.Equal(t, []string{"add passkey Passkey", "renew codes"}, w.accounts.done)
}

func TestLinkingAnIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.signedIn()
	to, err := url.Parse(b.post("/account/identity/" + gatewaytest.Provider).location())
	require.NoError(t, err)
	require.Equal(t, "company.example", to.Host)
	answer := fromCompany + "?" + url.Values{"state": {to.Query().Get("state")}, "code": {gatewaytest.UpstreamCode}}.Encode()
	kept := b.cookies[identityKept]

	thief := w.signedIn()
	thief.cookies[identityKept] = kept
	assert.Equal(t, http.StatusGone, thief.get(answer).Code, "in the session that began it only")
	assert.Equal(t, "/account?done=linked", b.get(answer).location())
	assert.Equal(t, []string{"link " + gatewaytest.UpstreamSubject}, w.accounts.done)
	assert.Equal(t, 2, w.sessions.Calls("Create"), "nobody was signed in by it")
}

func TestALoginPageForAHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	const hub = "?hub=" + thingHash
	page := w.browser().get("/login" + hub)
	assert.Contains(t, page.text(), "Continue with Company account")
	assert.Contains(t, page.Body.String(), `action="`+withCompany+hub+`"`)
	assert.Equal(t, thingHash, w.oauth.asked[0].HubHash)
	for _, nonsense := range []string{"?hub=1", "?hub=" + thingHash + "0", "?hub=", "?hub=" + thingHash + "&authorization=" + pendingID} {
		w.browser().get("/login" + nonsense)
		assert.Empty(t, w.oauth.asked[len(w.oauth.asked)-1].HubHash, nonsense)
	}
	b, answer := w.atCompany(hub)
	answer.Del("code")
	answer.Set("error", "access_denied")
	denied := b.get(fromCompany + "?" + answer.Encode())
	assert.Equal(t, http.StatusUnprocessableEntity, denied.Code)
	assert.Contains(t, denied.Body.String(), `action="/login`+hub+`"`, "still for the hub")
}

func TestSettingUpAFactorForAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.stronger(oauth.ACRMultiple)
	w.accounts.failing("StepUp", fault.New(fault.NotFound, ""))
	none := b.post("/login/stepup" + waits)
	assert.Contains(t, none.text(), "Set up a second factor")
	at := "/login/stepup/setup"
	assert.Contains(t, b.get(at+waits).text(), "Rota Planner wants to be sure that it is you.")
	assert.Contains(t, b.post(at+waits, "channel", "3").text(), "JBSW Y3DP")
	done := b.post(at+"/confirm"+waits, "factor", factorHash, "secret", secret, "code", rightCode)
	if done.Code == http.StatusOK { // with recovery codes
		assert.Contains(t, done.Body.String(), `href="`+resumeWaits+`"`)
		done = b.get(resumeWaits)
	}
	b.follow(done)
	last := w.oauth.resumed[len(w.oauth.resumed)-1].Login
	assert.Contains(t, last.Methods, string(sessions.MethodOTP))
	assert.Contains(t, last.Methods, string(sessions.MethodMultiple))

	old := w.stronger(oauth.ACRMultiple)
	w.clock.Advance(stale)
	for _, a := range []answer{old.get(at + waits), old.post(at+waits, "channel", "3"), old.post(at+"/confirm"+waits, "factor", factorHash, "code", rightCode)} {
		assert.Equal(t, "/login"+waits, a.location())
	}
	phr := w.stronger(oauth.ACRPhishing)
	enrolled := len(w.accounts.enrolled)
	assert.NotContains(t, phr.get(at+stepUpPhr).text(), "authenticator app")
	assert.Equal(t, at+stepUpPhr, phr.post(at+stepUpPhr, "channel", "3").location(), "a code would be of no use")
	assert.Len(t, w.accounts.enrolled, enrolled)
	assert.Equal(t, "/login/stepup?acr=urn%3Agatehouse%3Aacr%3Aphr&authorization="+pendingID+"&made=1",
		phr.post(at+"/passkey"+stepUpPhr, "ceremony", ceremony, "credential", credential).location())
}

func TestAnInvitationByAProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.browser()
	page := b.follow(b.post("/link/" + gatewaytest.InvitationLink))
	assert.Contains(t, page.Body.String(), `formaction="/activation/with/`+gatewaytest.Provider+`"`)
	at := "/activation/with/" + gatewaytest.Provider
	missing := b.post(at)
	assert.Equal(t, http.StatusUnprocessableEntity, missing.Code)
	assert.Empty(t, w.oauth.begun)
	to, err := url.Parse(b.post(at, "name", "Falcon", "first_name", "Olli", "last_name", "Kahn", "terms", "1").location())
	require.NoError(t, err)
	require.Equal(t, "company.example", to.Host)
	a := b.get(fromCompany + "?" + url.Values{"state": {to.Query().Get("state")}, "code": {gatewaytest.UpstreamCode}}.Encode())
	require.Equal(t, "/", a.location(), a.Body.String())
	require.Len(t, w.accounts.Finished, 1)
	r := w.accounts.Finished[0]
	assert.True(t, r.Terms)
	assert.Equal(t, gatewaytest.UpstreamSubject, r.Identity.Subject)
}

func TestNobodyIsSentToAStrangerUnasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := &oauth.Stranger{Client: oauth.Client{ID: "x", Metadata: oauth.Metadata{Name: "Your <bank>"}}, RedirectTo: "https://evil.example"}
	w.oauth.answer = &oauth.Authorization{Redirect: "https://evil.example/?error=login_required", Ask: ask}
	page := w.browser().get("/oauth2/authorize?client_id=x")
	assert.Equal(t, http.StatusOK, page.Code)
	assert.Empty(t, page.location())
	assert.Empty(t, page.Header().Get("Refresh"))
	assert.Contains(t, page.text(), "Your <bank>")
	assert.Contains(t, page.text(), "https://evil.example")
	assert.Contains(t, page.Body.String(), `href="https://evil.example/?error=login_required"`)
	w.oauth.answer = &oauth.Authorization{Ask: ask, Post: &oauth.FormPost{Action: "https://evil.example/", Fields: map[string]string{"error": "login_required"}}}
	page = w.browser().get("/oauth2/authorize?client_id=x")
	assert.NotContains(t, page.Body.String(), "submit.", "no script sends it")
	assert.Equal(t, "https://evil.example/", func() string { v, _ := attribute(elements(page.page(), "form")[0], "action"); return v }())
	w.oauth.answer = &oauth.Authorization{Redirect: "javascript:alert(1)", Ask: ask}
	assert.Equal(t, http.StatusInternalServerError, w.browser().get("/oauth2/authorize?client_id=x").Code)
}
