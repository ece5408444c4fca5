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

// at is a browser whose user has signed in by password, and has the steps to
// take; the answer is the page of the first one.
func (b *browser) at(steps ...accounts.Step) answer {
	b.world.t.Helper()
	b.world.accounts.ask(steps...)
	return b.follow(b.post("/login", "user", gatewaytest.Email, "password", gatewaytest.Password, "remember", "1"))
}

func (b *browser) chooses() answer {
	return b.post("/login/password", "password", goodPW, "password_confirmation", goodPW)
}

func TestEveryStepOfALogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	w.accounts.ask(accounts.StepCode, accounts.StepFactor, accounts.StepPassword, accounts.StepTerms)
	a := b.post("/login?authorization="+pendingID, "user", gatewaytest.Email, "password", gatewaytest.Password, "remember", "1")
	const waiting = "?authorization=" + pendingID
	assert.Equal(t, "/login/code"+waiting, a.location())
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", b.get("/").title(), "nobody is in yet")

	code := b.follow(a)
	assert.Contains(t, code.text(), "We have sent a code to t***n@example.org.")
	input := withID(code.page(), "code")
	for name, want := range map[string]string{"autocomplete": "one-time-code", "inputmode": "numeric"} {
		got, _ := attribute(input, name)
		assert.Equal(t, want, got)
	}
	assert.Contains(t, code.Header().Get("Content-Security-Policy"), "form-action 'self' https:", "the form may lead to the app")
	a = b.post("/login/code"+waiting, "code", rightCode)
	require.Equal(t, "/login/factor"+waiting, a.location())

	a = b.post("/login/factor"+waiting, "channel", "3")
	assert.Contains(t, a.Body.String(), "<svg")
	assert.Contains(t, a.text(), "JBSW Y3DP EHPK 3PXP")
	a = b.post("/login/factor/confirm"+waiting, "factor", factorHash, "secret", secret, "code", rightCode)
	assert.Equal(t, "Your recovery codes – Gatehouse", a.title())
	assert.Contains(t, a.text(), recoveryCode)
	href, _ := attribute(elements(elements(a.page(), "main")[0], "a")[0], "href")
	require.Equal(t, "/login/password"+waiting, href)

	assert.Equal(t, gatewaytest.Email, b.get(href).field("username"))
	a = b.post(href, "password", goodPW, "password_confirmation", goodPW)
	require.Equal(t, "/login/terms"+waiting, a.location())
	assert.True(t, w.accounts.changed[0].Forced)

	a = b.post("/login/terms"+waiting, "terms", "1")
	assert.Equal(t, "/oauth2/resume"+waiting, a.location(), "to where the login was going")
	assert.Equal(t, []string{sessionCookie}, keys(b.cookies), "nothing else is left behind")
	created := w.sessions.Created()
	last := created[len(created)-1]
	assert.Equal(t, sessions.ScopeFull, last.Scope)
	assert.True(t, last.Remember)
	assert.Equal(t, "Your account – Gatehouse", b.get("/").title())
}

func TestCodesThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		code   string
		fault  error
		status int
		title  string
		says   string
	}{
		{name: "nothing", status: 422, title: "Error: Confirm it is you", says: "The code field is required."},
		{name: "wrong", code: "000000", status: 422, title: "Error: Confirm it is you", says: "This code is wrong or has expired."},
		{
			name: "not a code", code: "12", fault: fault.Field("code", "validation.wrong_code"),
			status: 422, title: "Error: Confirm it is you", says: "This code is wrong or has expired.",
		},
		{
			name: "over", code: rightCode, fault: fault.New(fault.Unauthenticated, "fault.code_over"),
			status: 422, title: "Error: Sign in", says: "This code can no longer be used. Please sign in again.",
		},
		{
			name: "too often", code: "1", fault: fault.New(fault.Throttled, "").After(61 * time.Second),
			status: 429, title: "Error: Confirm it is you", says: "Please try again in 2 minutes.",
		},
		{
			name: "moments", code: "1", fault: fault.New(fault.Throttled, "").After(8 * time.Second),
			status: 429, title: "Error: Confirm it is you", says: "Please try again in 8 seconds.",
		},
		{name: "away", code: "1", fault: fault.New(fault.Unavailable, ""), status: 503, title: "Back in a moment", says: "try again shortly"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			b.at(accounts.StepCode)
			w.accounts.failing("ConfirmCode", test.fault)
			a := b.post("/login/code", "code", test.code)
			assert.Equal(t, test.status, a.Code)
			assert.Equal(t, test.title+" – Gatehouse", a.title())
			assert.Contains(t, a.text(), test.says)
			if input := withID(a.page(), "code"); input != nil && a.Code == 422 {
				_, invalid := attribute(input, "aria-invalid")
				assert.True(t, invalid, "it says so beside the field")
			}
			assert.NotContains(t, a.Body.String(), `value="`+rightCode)
		})
	}
}

func TestCodeThatIsSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepCode)
	a := b.follow(b.post("/login/code/send", "channel", "1"))
	assert.Contains(t, a.text(), "We have sent you another code.")
	a = b.follow(b.post("/login/code/send", "channel", "2"))
	assert.Contains(t, a.text(), "by text message to "+phone)
	a = b.follow(b.post("/login/code/send", "channel", "3"))
	assert.Contains(t, a.text(), "your authenticator app shows")
	assert.NotContains(t, a.text(), "Send the code again", "nobody sent it")
	b.post("/login/code/send", "channel", "nonsense")
	assert.Equal(t, []accounts.Channel{1, 2, 3, 0}, w.accounts.sent)

	w.accounts.failing("SendCode", fault.Field("channel", "validation.one_of", "Values", "1"))
	a = b.post("/login/code/send", "channel", "2")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "This way is not available for your account.")
	w.accounts.failing("SendCode", fault.New(fault.Throttled, "").After(time.Hour))
	a = b.post("/login/code/send", "channel", "2")
	assert.Equal(t, http.StatusTooManyRequests, a.Code)
	assert.Contains(t, a.text(), "Please try again in 1 hour.")
	w.accounts.failing("SendCode", fault.New(fault.Unauthenticated, "fault.code_over"))
	assert.Equal(t, "Error: Sign in – Gatehouse", b.post("/login/code/send").title())
	assert.Equal(t, "/login", b.get("/login/code").location(), "and there is nothing to answer any more")
}

func TestRecoveryCodeHasLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepCode)
	a := b.get("/login/code?by=recovery")
	_, digits := attribute(withID(a.page(), "code"), "inputmode")
	assert.False(t, digits)
	assert.Equal(t, "/", b.post("/login/code?by=recovery", "code", recoveryCode).location())
	assert.Equal(t, "/", b.post("/login/code", "code", recoveryCode).location(), "sending it twice")
}

// The cookie only helps to say where the code went.
func TestCodePageWithoutItsCookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepCode)
	const name = "__Host-gatehouse_challenge"
	kept := b.cookies[name]
	require.NotEmpty(t, kept)
	for _, value := range []string{"", "nonsense", "e30"} {
		b.cookies[name] = value
		assert.Contains(t, b.get("/login/code").text(), "that we have sent you, or that your authenticator app shows")
	}
	other := w.browser()
	other.at(accounts.StepCode)
	other.cookies[name] = kept
	assert.NotContains(t, other.get("/login/code").text(), "t***n", "of another session")
	assert.Equal(t, "/", b.post("/login/code", "code", rightCode).location())
}

func TestEachStepHasItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pages := map[sessions.Scope]string{
		sessions.ScopeCode: "/login/code", sessions.ScopeFactorUpdate: "/login/factor",
		sessions.ScopePasswordUpdate: "/login/password", sessions.ScopeTermsConfirm: "/login/terms",
	}
	for _, scope := range sessions.Scopes() {
		b := w.browser()
		b.cookies[sessionCookie] = w.sessions.Open(scope, nil).Token
		want := "/login"
		if path, ok := pages[scope]; ok {
			want = path
		}
		if scope == sessions.ScopeFull {
			want = "/"
		}
		for _, path := range pages {
			if path != want {
				assert.Equal(t, want, b.get(path).location(), "%s at %s", scope, path)
				assert.Equal(t, want, b.post(path, "terms", "1").location(), "%s at %s", scope, path)
			}
		}
	}
	for _, path := range pages {
		assert.Equal(t, "/login?authorization=x", w.browser().get(path+"?authorization=x").location())
	}
	assert.Empty(t, w.accounts.enrolled)
	assert.Empty(t, w.accounts.changed)
}

func TestStepThatExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.at(accounts.StepPassword)
	require.Equal(t, "Choose a new password – Gatehouse", a.title())
	w.clock.Advance(31 * 24 * time.Hour)
	assert.Equal(t, "/login", b.chooses().location())
	assert.Empty(t, w.accounts.changed)
}

func TestForcedPasswordThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepPassword)
	a := b.post("/login/password", "password", "short", "password_confirmation", "short")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "at least 10 characters")
	assert.Equal(t, "/", b.chooses().location())
	assert.Equal(t, "/", b.chooses().location(), "sending it twice")
	assert.Len(t, w.accounts.changed, 1)
}

func TestTermsThatAreNotAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.at(accounts.StepTerms)
	assert.Contains(t, a.Body.String(), `href="https://example.org/terms"`)
	a = b.post("/login/terms")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "must be accepted")
	assert.Equal(t, "Welcome to Gatehouse – Gatehouse", b.get("/").title())
}

func TestFactorByTelephone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepFactor)
	a := b.post("/login/factor", "channel", "2", "number", "0151 1")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), "must be a telephone number with its country code")
	assert.Equal(t, "0151 1", a.field("number"))
	a = b.post("/login/factor", "channel", "2", "number", " +4915123456789 ")
	assert.Contains(t, a.text(), "by text message to "+phone)
	assert.Equal(t, "+4915123456789", w.accounts.enrolled[1].Number)

	confirm := []string{"factor", factorHash, "to", phone, "code"}
	a = b.post("/login/factor/confirm", append(confirm, "000000")...)
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.text(), phone, "what was shown is still there")
	assert.Equal(t, "Your recovery codes – Gatehouse", b.post("/login/factor/confirm", append(confirm, rightCode)...).title())
	assert.Equal(t, "/", b.post("/login/factor/confirm", append(confirm, rightCode)...).location(), "sending it twice")
}

func TestHubThatWantsAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.Change(func(a *accounts.Account) {
		a.Hubs[0].Settings.LoginConfirmation, a.Hubs[0].Settings.LoginConfirmationChannel = true, 3
	})
	a := w.browser().at(accounts.StepFactor)
	assert.Nil(t, withID(a.page(), "number"))
}

// What comes back with the form is shown, and no more.
func TestFactorFormThatWasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepFactor)
	a := b.post("/login/factor/confirm", "factor", factorHash, "secret", `"><script>alert(1)</script>`, "to", "<img src=x>", "code", "1")
	assert.NotContains(t, strings.ToLower(a.Body.String()), "<script")
	assert.NotContains(t, strings.ToLower(a.Body.String()), "<img src=x")
	assert.NotContains(t, a.text(), "Key:", "it is none")
	assert.Equal(t, "/login/factor", b.post("/login/factor/confirm", "factor", "nothing", "code", "1").location())
	assert.Equal(t, "/login/factor", b.post("/login/factor/confirm", "factor", strings.Repeat("0", 40), "code", rightCode).location())
}

// After a wrong code the picture is still there, of the same key; without it the
// key is.
func TestAppWithAWrongCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.at(accounts.StepFactor)
	wrong := func(secret string) answer {
		return b.post("/login/factor/confirm", "factor", factorHash, "secret", secret, "code", "000000")
	}
	a := wrong(secret)
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Contains(t, a.Body.String(), drawnAgain)
	assert.Contains(t, a.text(), "scan this picture")
	assert.Contains(t, a.Body.String(), `name="secret" value="`+secret+`"`)

	another := strings.Repeat("A", len(secret))
	a = wrong(another)
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.NotContains(t, a.Body.String(), `class="qr"`)
	assert.NotContains(t, a.text(), "scan this picture")
	assert.Contains(t, a.text(), "AAAA AAAA")
}
