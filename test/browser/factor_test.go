package browser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestAnAuthenticatorApp is set up with its secret, and answers at the next login.
func TestAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_UNUSUAL_LOGIN=off"}})
	person, login := s.Register(t, "olli@example.org")
	b := open(t)
	b.run("getting a secret",
		chromedp.Navigate(s.URL+"/login"),
		signIn(person),
		visible(`a[href="/account"]`),
		chromedp.Navigate(s.URL+"/account/factor"),
		submit(`main form:not([data-new-passkey]) button`),
		visible(`.qr svg`),
		b.looks("enrol"),
	)
	abandoned := b.text(".secret")
	b.run("getting another in German",
		submit(`a[hreflang="de"]`),
		b.looks("factor-de"),
		submit(`main form:not([data-new-passkey]) button`),
		visible(`.qr svg`),
		b.looks("enrol-de"),
	)
	require.NotEqual(t, abandoned, b.text(".secret"))
	secret := strings.ReplaceAll(b.text(".secret"), " ", "")
	picture := b.inside(".qr")
	require.Contains(t, picture, "<path")
	code := func(later time.Duration) string {
		code, err := totp.GenerateCode(secret, time.Now().Add(later))
		require.NoError(t, err)
		return code
	}
	b.run("a wrong code",
		fill(`input[name="code"]`, "000000"),
		submit(`form[action*="/confirm"] button`),
		visible(`.problems`),
		visible(`.qr svg`),
		b.looks("enrol-wrong"),
	)
	require.Equal(t, secret, strings.ReplaceAll(b.text(".secret"), " ", ""))
	require.Equal(t, picture, b.inside(".qr"), "it is the same")
	b.run("the right one",
		fill(`input[name="code"]`, code(0)),
		submit(`form[action*="/confirm"] button`),
		visible(`.codes`),
		b.looks("codes"),
	)
	asked := s.Call(t, http.MethodPut, "/v1/user/"+login.User.Hash, login.Token, map[string]any{"login_confirmation": true})
	require.Equal(t, http.StatusOK, asked.Status, "%s", asked.Body)
	b.run("signing in with it",
		chromedp.Navigate(s.URL+"/"),
		submit(`form[action*="logout"] button`),
		chromedp.Navigate(s.URL+"/login"),
		signIn(person),
		visible(`input[name="code"]`),
		b.looks("login-code"),
		chromedp.Navigate(s.URL+"/login/code?language=en"),
		b.looks("login-code-en"),
		fill(`input[name="code"]`, code(30*time.Second)), // the one before is used up
		submit(`form[action="/login/code"] button`),
		visible(`form[action*="logout"]`),
	)
}

// inside is the HTML within an element.
func (b *browser) inside(selector string) string {
	b.t.Helper()
	inner, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("`+selector+`").innerHTML`))
	require.NoError(b.t, err)
	return inner
}
