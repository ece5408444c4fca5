package browser_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// drawn tells whether the logo on the page is one.
func (b *browser) drawn() bool {
	b.t.Helper()
	is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("img.logo").naturalWidth > 0`))
	require.NoError(b.t, err)
	return is
}

// TestAnAppSaysWhoItIs sees its logo and its pages on the way to it, and on the way
// of a device that has no browser.
func TestAnAppSaysWhoItIs(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{
		"GATEHOUSE_OAUTH_FETCH_ALLOW=127.0.0.0/8", "GATEHOUSE_UNUSUAL_LOGIN=off",
	}})
	a := startApp(t)
	s.Operate(t, "client", "create", "--id", "rota", "--name", "Rota Planner", "--redirect-uri", a.URL+"/callback",
		"--grant", "authorization_code", "--grant", "refresh_token", "--grant", "urn:ietf:params:oauth:grant-type:device_code",
		"--public", "--set", `logo_uri="`+logoSite(t)+`"`, "--set", `client_uri="https://rota.example.net"`,
		"--set", `policy_uri="https://rota.example.net/privacy"`, "--set", `tos_uri="https://legal.example.net/terms"`)
	person, _ := s.Register(t, "olli@example.org")
	b := open(t)
	b.run("deciding",
		chromedp.Navigate(asks(s, "rota", a)),
		signIn(person),
		visible(`button[value="allow"]`),
		b.looks("consent-logo"),
	)
	assert.True(t, b.drawn())
	assert.Contains(t, b.text(".about"), "rota.example.net")
	b.run("in German",
		submit(`a[hreflang="de"]`),
		visible(`button[value="allow"]`),
		b.looks("consent-logo-de"),
		submit(`button[value="allow"]`),
		visible(`#here`),
	)

	waiting := deviceOf(t, s, "rota")
	b.run("a wrong code",
		chromedp.Navigate(s.URL+"/device?language=en"),
		visible(`#user_code`),
		b.looks("device"),
		fill(`#user_code`, "BCDF-GHJK"),
		submit(`form[action="/device"] button`),
		visible(`.problems`),
		b.looks("device-wrong"),
	)
	b.run("the right one",
		chromedp.Navigate(s.URL+"/device?user_code="+strings.ToLower(waiting)),
		submit(`form[action="/device"] button`),
		visible(`button[value="allow"]`),
		b.looks("device-consent"),
	)
	assert.True(t, b.drawn())
	assert.Contains(t, b.text(".usercode"), waiting)
	b.run("allowing it",
		submit(`button[value="allow"]`),
		visible(`main h1`),
		b.looks("device-done"),
		chromedp.Navigate(s.URL+"/device?language=de"),
		b.looks("device-de"),
		chromedp.Navigate(s.URL+"/oauth2/logout?client_id=rota"),
		visible(`form[action*="/logout/app"]`),
		b.looks("logout-logo-de"),
	)
	assert.True(t, b.drawn())
}

// deviceOf starts a device and gives the code that it shows.
func deviceOf(t *testing.T, s *system.System, id string) string {
	t.Helper()
	answer, err := system.HTTP().PostForm(s.URL+"/oauth2/device_authorization", url.Values{"client_id": {id}, "scope": {"openid email"}})
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var started struct {
		UserCode string `json:"user_code"`
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&started))
	require.NotEmpty(t, started.UserCode)
	return started.UserCode
}
