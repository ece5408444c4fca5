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

func (b *browser) resets() answer {
	return b.post("/reset/"+resetLink, "password", goodPW, "password_confirmation", goodPW)
}

func TestAskingForAMail(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/forgot", "/recover"} {
		w := newWorld(t)
		b := w.browser()
		a := b.post(path)
		assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
		assert.Contains(t, a.text(), "The email address or alias field is required.")
		for _, user := range []string{gatewaytest.Email, "nobody@example.org"} {
			a = b.post(path, "user", user)
			assert.Equal(t, path+"/sent", a.location())
		}
		sent := b.follow(a)
		assert.Contains(t, sent.text(), "If there is an account")
		assert.NotContains(t, sent.Body.String(), "nobody@")
		require.Len(t, w.accounts.asked, 2)
		assert.Equal(t, gatewaytest.Email, w.accounts.asked[0].Login)
		assert.Equal(t, accounts.English, w.accounts.asked[0].Language)

		w.accounts.failing("InitiateReset", fault.New(fault.Throttled, "").After(30*time.Second))
		a = b.post(path, "user", "a")
		assert.Equal(t, http.StatusTooManyRequests, a.Code)
		assert.Contains(t, a.text(), "Please try again in 30 seconds.")
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	assert.Equal(t, http.StatusOK, b.get("/reset/"+resetLink).Code)
	assert.NotContains(t, w.accounts.used, resetLink, "a mail scanner opens links, too")
	a := b.post("/reset/"+resetLink, "password", "short")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "at least 10 characters")
	assert.Empty(t, b.cookies)

	a = b.resets()
	assert.Equal(t, "/", a.location(), "an invalid password has cost nothing")
	assert.Equal(t, "Your account – Gatehouse", b.follow(a).title())
	other := w.browser()
	for _, link := range []string{resetLink, strings.Repeat("0", 40), "short"} {
		a = other.post("/reset/"+link, "password", goodPW, "password_confirmation", goodPW)
		assert.Equal(t, http.StatusGone, a.Code, link)
		assert.Contains(t, a.text(), "Ask for a new one here.")
		assert.NotNil(t, withID(a.page(), "user"))
		assert.Empty(t, other.cookies)
	}
}

// Setting a password by a mail confirms the mail, and nothing stronger.
func TestResetThatNeedsACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.ask(accounts.StepCode)
	b := w.browser()
	a := b.resets()
	assert.Equal(t, "/login/code", a.location())
	assert.Equal(t, sessions.ScopeCode, w.sessions.Created()[0].Scope)
	assert.Equal(t, "/", b.post("/login/code", "code", rightCode).location())
}

func TestResetGoesOnToTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/forgot?authorization=" + pendingID)
	b.post("/forgot?authorization="+pendingID, "user", gatewaytest.Email)
	a := b.get("/reset/" + resetLink)
	assert.Contains(t, a.Header().Get("Content-Security-Policy"), "form-action 'self' https:")
	assert.Equal(t, "/oauth2/resume?authorization="+pendingID, b.resets().location())
	assert.Equal(t, []string{sessionCookie}, keys(b.cookies), "nothing else is left behind")
}

func TestResetReplacesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	former := b.cookies[sessionCookie]
	b.resets()
	other := w.browser()
	other.cookies[sessionCookie] = former
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", other.get("/").title())
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/unlock/" + unlockLink)
	assert.NotContains(t, w.accounts.used, unlockLink, "a mail scanner opens links, too")
	a := b.post("/unlock/" + unlockLink)
	assert.Equal(t, "/unlock/done", a.location())
	assert.Contains(t, b.follow(a).text(), "You can sign in from here again.")
	assert.Empty(t, b.cookies, "nobody is signed in by that")
	assert.Equal(t, http.StatusGone, b.post("/unlock/"+unlockLink).Code)
	assert.Equal(t, http.StatusNotFound, b.post("/unlock/"+strings.Repeat("0", 40)).Code)
	assert.Equal(t, http.StatusNotFound, b.post("/unlock/short").Code)
}

func TestLinksThatNeedAYes(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		link  string
		scope sessions.Scope
	}{
		"email": {emailLink, sessions.ScopeEmailConfirm}, "recovery": {recoveryLink, sessions.ScopeRecoveryConfirm},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			b.get("/link/" + test.link)
			assert.NotContains(t, w.accounts.used, test.link)
			a := b.post("/link/" + test.link)
			assert.Equal(t, "/"+what, a.location())
			assert.Equal(t, test.scope, w.sessions.Created()[0].Scope)
			assert.Equal(t, "/"+what, b.get("/link/"+test.link).location(), "going back")
			assert.Equal(t, "/"+what, b.post("/link/"+test.link).location(), "or clicking twice")
			assert.Equal(t, http.StatusOK, b.get("/"+what).Code)
			assert.Empty(t, w.accounts.done)
			assert.Equal(t, http.StatusGone, b.get("/activation").Code, "it is for nothing else")
			for _, path := range []string{"/email", "/recovery"} {
				if path != "/"+what {
					assert.Equal(t, http.StatusGone, b.get(path).Code)
					assert.Equal(t, http.StatusGone, b.post(path).Code)
				}
			}

			a = b.post("/" + what)
			assert.Equal(t, "/"+what+"/done", a.location())
			assert.Equal(t, http.StatusOK, b.follow(a).Code)
			assert.Equal(t, []string{what}, w.accounts.done)
			assert.Empty(t, b.cookies, "nothing is left behind")
			assert.Equal(t, http.StatusGone, b.post("/"+what).Code)
			assert.Equal(t, http.StatusGone, b.post("/link/"+test.link).Code)
		})
	}
}

func TestLinkThatLapsesBeforeTheYes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post("/link/" + emailLink)
	w.clock.Advance(31 * time.Minute)
	assert.Equal(t, http.StatusGone, b.post("/email").Code)

	b = w.browser()
	b.post("/link/" + recoveryLink)
	w.accounts.failing("recovery", fault.New(fault.NotFound, ""))
	a := b.post("/recovery")
	assert.Equal(t, http.StatusGone, a.Code)
	assert.Contains(t, a.text(), "Too much time has passed")
}

func TestAddressThatSomebodyElseHasByNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.post("/link/" + emailLink)
	w.accounts.failing("email", fault.New(fault.Conflict, "fault.email_taken"))
	assert.Equal(t, http.StatusConflict, b.post("/email").Code)
}

// Somebody who has an account only proves that it is theirs.
func TestInvitationOfSomebodyWhoIsActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	form := b.follow(b.post("/link/" + joinLink))
	assert.Contains(t, form.text(), "You have been invited to the hub Nordantech. Please enter the password of your account")
	assert.Nil(t, withID(form.page(), "password_confirmation"))
	assert.Nil(t, withID(form.page(), "terms"))
	a := b.post("/activation", "password", "wrong")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "This is not your current password.")
	a = b.post("/activation", "password", gatewaytest.Password)
	assert.Equal(t, "/", a.location())
	assert.Equal(t, "Your account – Gatehouse", b.follow(a).title())
}

func TestActivationThatNeedsAStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.ask(accounts.StepFactor)
	b := w.browser()
	b.post(linkPath)
	assert.Equal(t, "/login/factor", b.finish().location())
}
