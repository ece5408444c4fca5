package portal_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	waits       = "?authorization=" + pendingID
	stepUpPhr   = "?acr=urn%3Agatehouse%3Aacr%3Aphr&authorization=" + pendingID
	resumeWaits = "/oauth2/resume" + waits
)

// stronger is a browser that is signed in by password, for an app that wants
// more.
func (w *world) stronger(acr string) *browser {
	w.oauth.acr = acr
	return w.signedIn()
}

func TestSteppingUpByCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.channel = accounts.ChannelApp
	b := w.stronger(oauth.ACRMultiple)
	before := b.get("/oauth2/authorize?client_id=rota")
	require.Equal(t, "/login/stepup?acr="+url.QueryEscape(oauth.ACRMultiple)+"&authorization="+pendingID, before.location())
	first := w.oauth.authorized[0].Login
	page := b.follow(before)
	assert.Contains(t, page.text(), "Rota Planner wants to be sure that it is you.")
	assert.Empty(t, w.accounts.stepped, "nothing is sent by looking")

	w.clock.Advance(time.Minute)
	old := b.cookies[sessionCookie]
	code := b.post("/login/stepup" + waits)
	require.Equal(t, "/login/stepup/code"+waits, code.location())
	assert.Contains(t, b.follow(code).text(), "the code that your authenticator app shows")
	done := b.post("/login/stepup/code"+waits, "code", rightCode)
	require.Equal(t, resumeWaits, done.location(), done.Body.String())
	assert.NotEqual(t, old, b.cookies[sessionCookie])
	assert.Equal(t, []string{sessionCookie}, keys(b.cookies), "nothing else is left behind")

	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(done).title())
	last := w.oauth.resumed[len(w.oauth.resumed)-1].Login
	assert.Equal(t, []string{"pwd", "otp", "mfa"}, last.Methods)
	assert.Equal(t, first.Session, last.Session, "the same session")
	assert.Equal(t, first.AuthenticatedTime, last.AuthenticatedTime)
	assert.Equal(t, "Your account – Gatehouse", b.get("/").title(), "in another tab")
	assert.Equal(t, 1, w.sessions.Calls("Create"))

	thief := w.browser()
	thief.cookies[sessionCookie] = old
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", thief.get("/").title(), "a token from before is void")
	again := b.post("/login/stepup/code"+waits, "code", rightCode)
	assert.Equal(t, "/login/stepup"+waits, again.location(), "it works once")
}

func TestCodesForSteppingUpThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		fault      error
		status     int
		says       string
	}{
		{"wrong", "111111", nil, 422, "This code is wrong or has expired."},
		{"nothing", "", nil, 422, "The code field is required."},
		{"a recovery code", recoveryCode, nil, 422, "is wrong"},
		{"too often", rightCode, fault.New(fault.Throttled, "").After(time.Minute), 429, "in 1 minute"},
		{"away", rightCode, fault.New(fault.Unavailable, ""), 503, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.stronger(oauth.ACRMultiple)
			b.post("/login/stepup" + waits)
			if test.fault != nil {
				w.accounts.failing("ConfirmCode", test.fault)
			}
			a := b.post("/login/stepup/code"+waits, "code", test.code)
			assert.Equal(t, test.status, a.Code)
			assert.Contains(t, a.text(), test.says)
			assert.Zero(t, w.sessions.Calls("Elevate"))
			assert.False(t, w.accounts.used["challenge"], "nothing is used up")
		})
	}
}

func TestSteppingUpWithAChallengeThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.stronger(oauth.ACRMultiple)
	b.post("/login/stepup" + waits)
	w.accounts.used["challenge"] = true
	a := b.post("/login/stepup/code"+waits, "code", rightCode)
	require.Equal(t, "/login/stepup"+waits+"&over=1", a.location())
	assert.Contains(t, b.follow(a).text(), "That code can no longer be used.")
	assert.Equal(t, "Your account – Gatehouse", b.get("/").title(), "nobody is signed out by that")
}

func TestAnotherCodeForSteppingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.stronger(oauth.ACRMultiple)
	assert.Equal(t, "/login/stepup"+waits, b.post("/login/stepup/send"+waits, "channel", "2").location(), "none is asked for yet")
	b.post("/login/stepup" + waits)
	a := b.post("/login/stepup/send"+waits, "channel", "2")
	require.Equal(t, "/login/stepup/code"+waits+"&sent=1", a.location())
	assert.Contains(t, b.follow(a).text(), phone)
	w.accounts.failing("SendCode", fault.Field("channel", "validation.channel"))
	a = b.post("/login/stepup/send"+waits, "channel", "1")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	w.accounts.failing("SendCode", fault.New(fault.Unauthenticated, "fault.code_over"))
	assert.Equal(t, "/login/stepup"+waits+"&over=1", b.post("/login/stepup/send"+waits).location())
}

// Who came by mail proves nothing more by a code that is mailed.
func TestSteppingUpWithoutAFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.acr = oauth.ACRMultiple
	b := w.browser()
	b.cookies[sessionCookie] = w.sessions.OpenFor(sessions.CreateRequest{
		Scope: sessions.ScopeFull, Methods: []sessions.Method{sessions.MethodMail},
	}).Token
	a := b.post("/login/stepup" + waits)
	assert.Equal(t, http.StatusOK, a.Code)
	assert.Equal(t, accounts.ChannelSMS, w.accounts.stepped[0].Minimum)
	assert.Contains(t, a.text(), "your account has none")

	a = b.post("/login/stepup/skip" + waits)
	assert.Equal(t, "/consent"+waits, a.location())
	last := w.oauth.resumed[len(w.oauth.resumed)-1]
	assert.True(t, last.Unable)
	assert.Nil(t, last.Decision)
	assert.NotNil(t, last.Login)
}

func TestSteppingUpByPasskey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.stronger(oauth.ACRPhishing)
	a := b.get("/oauth2/authorize?client_id=rota")
	require.Equal(t, "/login/stepup"+stepUpPhr, a.location())
	page := b.follow(a)
	assert.Contains(t, page.Header().Get("Content-Security-Policy"), "; script-src 'self'; connect-src 'self'")
	form := elements(page.page(), "form")[0]
	_, hidden := attribute(form, "hidden")
	assert.True(t, hidden, "until a script shows it")
	assert.Contains(t, page.text(), "A passkey is needed for this.")

	for name, fields := range map[string][]string{
		"nothing": nil, "no JSON": {"ceremony", ceremony, "credential", "{"}, "unknown": {"ceremony", "x", "credential", credential},
	} {
		refused := b.post("/login/stepup/passkey"+stepUpPhr, fields...)
		assert.Equal(t, http.StatusUnprocessableEntity, refused.Code, name)
		assert.Contains(t, refused.text(), "This passkey was not accepted.", name)
	}
	w.clock.Advance(time.Minute)
	done := b.post("/login/stepup/passkey"+stepUpPhr, "ceremony", ceremony, "credential", credential)
	require.Equal(t, resumeWaits, done.location())
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(done).title())
	last := w.oauth.resumed[len(w.oauth.resumed)-1].Login
	assert.Equal(t, []string{"pwd", "swk", "mfa"}, last.Methods)
	assert.Equal(t, w.clock.Now(), last.AuthenticatedTime, "it is a proof of its own")
	assert.Equal(t, http.StatusUnprocessableEntity, b.post("/login/stepup/passkey"+stepUpPhr, "ceremony", ceremony, "credential", credential).Code, "once")
}

func TestSteppingUpByThePasskeyOfSomebodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.stranger = 1
	b := w.stronger(oauth.ACRPhishing)
	a := b.post("/login/stepup/passkey"+stepUpPhr, "ceremony", ceremony, "credential", credential)
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "This passkey belongs to another account.")
	assert.Zero(t, w.sessions.Calls("Elevate"))
}

func TestSteppingUpIsForWhoIsSignedInAndForAnApp(t *testing.T) {
	t.Parallel()
	paths := []string{"/login/stepup", "/login/stepup/code", "/login/stepup/send", "/login/stepup/passkey", "/login/stepup/skip"}
	w := newWorld(t)
	b := w.browser()
	for _, path := range paths {
		assert.Equal(t, resumeWaits, b.post(path+waits, "code", rightCode).location(), path)
	}
	b.signIn()
	for _, path := range paths {
		for _, id := range []string{"", "expired"} {
			assert.Equal(t, http.StatusGone, b.post(path+"?authorization="+id, "code", rightCode).Code, path)
		}
	}
	assert.Empty(t, w.accounts.stepped)
	assert.Empty(t, w.oauth.resumed)
	assert.Zero(t, w.sessions.Calls("Elevate"))
}

func TestPasskeyLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	page := b.get("/login" + waits)
	form := elements(page.page(), "form")
	action, _ := attribute(form[1], "action")
	require.Equal(t, "/login/passkey"+waits, action)
	_, hidden := attribute(form[1], "hidden")
	assert.True(t, hidden)

	a := b.post(action, "ceremony", ceremony, "credential", "{}")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "This passkey was not accepted.")
	a = b.post(action, "ceremony", ceremony, "credential", credential, "remember", "1")
	require.Equal(t, resumeWaits, a.location())
	created := w.sessions.Created()
	require.Len(t, created, 1)
	assert.True(t, created[0].Remember)
	assert.Equal(t, []sessions.Method{sessions.MethodKey, sessions.MethodMultiple}, created[0].Methods)
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
}
