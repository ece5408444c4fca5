package portal_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/portal"
)

const languageCookie = "__Host-gatehouse_language"

func TestLanguageOfAPage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                         string
		picked, cookie, locales, app string
		browser                      string
		want                         string
	}{
		{name: "nothing known", want: "en"},
		{name: "the browser's", browser: "fr, de;q=0.5", want: "de"},
		{name: "the URL's", locales: "fr de", browser: "en", want: "de"},
		{name: "the app's", app: "fr de-AT en", browser: "en", want: "de"},
		{name: "an app's that we lack", app: "fr", browser: "de", want: "de"},
		{name: "picked earlier", cookie: "de", app: "en", locales: "en", browser: "en", want: "de"},
		{name: "picked now", picked: "de", cookie: "en", app: "en", locales: "en", browser: "en", want: "de"},
		{name: "nonsense", picked: "xx", cookie: "<>", locales: "%%", browser: "??", want: "en"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.oauth.interaction.UILocales = test.app
			b := w.browser()
			b.language = test.browser
			if test.cookie != "" {
				b.cookies[languageCookie] = test.cookie
			}
			q := url.Values{"authorization": {pendingID}}
			if test.picked != "" {
				q.Set("language", test.picked)
			}
			if test.locales != "" {
				q.Set("ui_locales", test.locales)
			}
			a := b.get("/login?" + q.Encode())
			assert.Equal(t, test.want, a.Header().Get("Content-Language"))
			lang, _ := attribute(elements(a.page(), "html")[0], "lang")
			assert.Equal(t, test.want, lang)
		})
	}
}

func TestLanguageOfTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts.Change(func(a *accounts.Account) { a.User.Language = accounts.German })
	b := w.browser()
	b.language = ""
	assert.Equal(t, "en", b.get("/").Header().Get("Content-Language"))
	b.signIn()
	assert.Equal(t, "Ihr Konto – Gatehouse", b.get("/").title())
}

// The links keep everything but the language, also on a page that answers a
// form.
func TestLanguageLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.interaction.LoginHint = "hinted"
	b := w.browser()
	for _, a := range []answer{
		b.get("/login?authorization=" + pendingID + "&prompt=select_account"),
		b.post("/login?prompt=select_account", "authorization", pendingID, "user", "x"),
	} {
		assert.Equal(t, "/login?authorization="+pendingID+"&language=de&prompt=select_account", languageLink(t, a, "de"))
	}
	german := b.get("/login?authorization=" + pendingID + "&language=de")
	assert.Equal(t, "de", b.cookies[languageCookie])
	assert.Contains(t, german.text(), "um mit Rota Planner weiterzumachen")
	assert.Equal(t, "Konto anlegen – Gatehouse", b.get("/register").title(), "it stays so")
	assert.Equal(t, "/nowhere?language=en", languageLink(t, b.get("/nowhere"), "en"))
	assert.Equal(t, "/?language=en", languageLink(t, b.do("DELETE", "/logout"), "en"))

	w.oauth.answer = &oauth.Authorization{Problem: &oauth.Problem{Code: "invalid_client"}}
	problem := b.get("/oauth2/authorize?client_id=a%26b&ui_locales=fr")
	assert.Equal(t, "/oauth2/authorize?client_id=a%26b&language=en&ui_locales=fr", languageLink(t, problem, "en"))
}

func languageLink(t *testing.T, a answer, tag string) string {
	t.Helper()
	for _, link := range elements(a.page(), "a") {
		if l, _ := attribute(link, "hreflang"); l == tag {
			path, _ := attribute(link, "href")
			return path
		}
	}
	t.Fatalf("no link to %s", tag)
	return ""
}

// On plain HTTP a browser refuses cookies that are Secure.
func TestCookiesOnThisMachine(t *testing.T) {
	t.Parallel()
	local, err := url.Parse("http://localhost:8080")
	require.NoError(t, err)
	w := newWorld(t, func(d *portal.Deps) { d.PublicURL = local })
	b := w.browser()
	b.get("/?language=de")
	b.signIn()
	for name := range b.cookies {
		assert.Contains(t, []string{"gatehouse_language", "gatehouse_session"}, name)
	}
	assert.Len(t, b.cookies, 2)
	for _, c := range newWorld(t).browser().get("/?language=de").Result().Cookies() {
		assert.Equal(t, languageCookie, c.Name)
		assert.True(t, c.Secure)
		assert.Equal(t, "/", c.Path)
		assert.Empty(t, c.Domain)
	}
}

// What a form without a page of its own complains about is had again where the form
// is.
func TestTheLanguageOfAFormThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).offering()
	b := w.browser()
	b.post(linkPath)
	a := b.post("/activation/with/company")
	assert.Equal(t, http.StatusUnprocessableEntity, a.Code)
	assert.Equal(t, "/activation?language=de", languageLink(t, a, "de"))
	assert.Equal(t, http.StatusOK, b.get("/activation?language=de").Code)
}
