package portal_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/portal"
)

// shown is one page in one state.
type shown struct {
	name   string
	adjust func(*portal.Deps)
	visit  func(*world, *browser) answer
	status int
	en, de string // title, without the product
	wrong  bool   // the title says so
}

// everyPage is every page there is, in each of its states.
func everyPage() []shown { return append(pagesOfLogins(), otherPages()...) }

func otherPages() []shown {
	get := func(path string) func(*world, *browser) answer {
		return func(_ *world, b *browser) answer { return b.get(path) }
	}
	post := func(path string, fields ...string) func(*world, *browser) answer {
		return func(_ *world, b *browser) answer { return b.post(path, fields...) }
	}
	signedIn := func(path string) func(*world, *browser) answer {
		return func(_ *world, b *browser) answer { b.signIn(); return b.get(path) }
	}
	return []shown{
		{name: "welcome", visit: get("/"), status: 200, en: "Welcome to Gatehouse", de: "Willkommen bei Gatehouse"},
		{name: "account", visit: signedIn("/"), status: 200, en: "Your account", de: "Ihr Konto"},
		{name: "account without a hub", visit: func(w *world, b *browser) answer {
			w.accounts.Change(func(a *accounts.Account) { a.Hubs = nil })
			return signedIn("/")(w, b)
		}, status: 200, en: "Your account", de: "Ihr Konto"},
		{name: "profile", visit: signedIn("/account/profile"), status: 200, en: "Your profile", de: "Ihr Profil"},
		{name: "profile, saved", visit: signedIn("/account/profile?saved=1"), status: 200, en: "Your profile", de: "Ihr Profil"},
		{name: "profile, wrong", visit: func(_ *world, b *browser) answer {
			b.signIn()
			return b.post("/account/profile", "website", "http://example.org", "address.street_address", "a\x00b")
		}, status: 422, en: "Your profile", de: "Ihr Profil", wrong: true},
		{name: "login", visit: get("/login"), status: 200, en: "Sign in", de: "Anmelden"},
		{name: "login for an app", visit: get("/login?authorization=" + pendingID), status: 200, en: "Sign in", de: "Anmelden"},
		{name: "login again", visit: signedIn("/login?authorization=" + pendingID), status: 200, en: "Sign in", de: "Anmelden"},
		{
			name: "pick an account", visit: signedIn("/login?prompt=select_account&authorization=" + pendingID),
			status: 200, en: "Sign in", de: "Anmelden",
		},
		{name: "login without anything", visit: post("/login"), status: 422, en: "Sign in", de: "Anmelden", wrong: true},
		{
			name: "wrong password", visit: post("/login", "user", "a", "password", "b"),
			status: 422, en: "Sign in", de: "Anmelden", wrong: true,
		},
		{name: "register", visit: get("/register"), status: 200, en: "Create account", de: "Konto anlegen"},
		{name: "register without anything", visit: post("/register"), status: 422, en: "Create account", de: "Konto anlegen", wrong: true},
		{name: "check your mail", visit: get("/register/sent"), status: 200, en: "Check your mail", de: "Sehen Sie in Ihr Postfach"},
		{
			name: "registration closed", adjust: func(d *portal.Deps) { d.SelfRegistration = false },
			visit: get("/register"), status: 403, en: "Not allowed", de: "Nicht erlaubt",
		},
		{name: "mailed link", visit: get("/link/" + gatewaytest.ActivationLink), status: 200, en: "Nearly there", de: "Fast geschafft"},
		{name: "unknown link", visit: post("/link/" + strings.Repeat("0", 40)), status: 404, en: "That did not work", de: "Das hat nicht geklappt"},
		{name: "activation", visit: func(_ *world, b *browser) answer {
			return b.follow(b.post("/link/" + gatewaytest.ActivationLink))
		}, status: 200, en: "Set up your account", de: "Konto einrichten"},
		{name: "invitation", visit: func(w *world, b *browser) answer {
			w.accounts.Change(func(a *accounts.Account) { a.User.FirstName, a.User.LastName = "", "" })
			return b.follow(b.post("/link/" + gatewaytest.InvitationLink))
		}, status: 200, en: "Set up your account", de: "Konto einrichten"},
		{name: "activation without anything", visit: func(_ *world, b *browser) answer {
			b.post("/link/" + gatewaytest.ActivationLink)
			return b.post("/activation")
		}, status: 422, en: "Set up your account", de: "Konto einrichten", wrong: true},
		{name: "activation out of nowhere", visit: get("/activation"), status: 410, en: "No longer valid", de: "Nicht mehr gültig"},
		{name: "consent", visit: signedIn("/consent?authorization=" + pendingID), status: 200, en: "Allow Rota Planner?", de: "Zugriff von Rota Planner erlauben?"},
		{name: "consent for nothing", visit: signedIn("/consent?authorization=x"), status: 410, en: "No longer valid", de: "Nicht mehr gültig"},
		{name: "resume nothing", visit: get("/oauth2/resume"), status: 410, en: "No longer valid", de: "Nicht mehr gültig"},
		{name: "problem", visit: func(w *world, b *browser) answer {
			w.oauth.answer = &oauth.Authorization{Problem: &oauth.Problem{Code: "invalid_request", Description: "The redirect_uri is not known."}}
			return b.get("/oauth2/authorize?client_id=x")
		}, status: 400, en: "The app cannot sign you in", de: "Die App kann Sie nicht anmelden"},
		{name: "problem without words", visit: func(w *world, b *browser) answer {
			w.oauth.answer = &oauth.Authorization{Problem: &oauth.Problem{Code: "quite_new"}}
			return b.get("/oauth2/authorize")
		}, status: 400, en: "The app cannot sign you in", de: "Die App kann Sie nicht anmelden"},
		{name: "expired request", visit: func(w *world, b *browser) answer {
			w.oauth.answer = &oauth.Authorization{Problem: &oauth.Problem{Code: "invalid_request_uri"}}
			return b.get("/oauth2/authorize?client_id=rota&request_uri=x")
		}, status: 400, en: "The app cannot sign you in", de: "Die App kann Sie nicht anmelden"},
		{name: "form for an app", visit: func(w *world, b *browser) answer {
			w.oauth.answer = &oauth.Authorization{Post: &oauth.FormPost{Action: "https://app.example.net/cb", Fields: map[string]string{"code": "c"}}}
			return b.get("/oauth2/authorize")
		}, status: 200, en: "Back to the app", de: "Zurück zur App"},
		{name: "mailbox", visit: get("/mailbox"), status: 200, en: "Development mailbox", de: "Entwicklungs-Postfach"},
		{name: "empty mailbox", visit: func(w *world, b *browser) answer {
			w.mail.Messages = []mail.Message{}
			return b.get("/mailbox")
		}, status: 200, en: "Development mailbox", de: "Entwicklungs-Postfach"},
		{name: "no mailbox", visit: func(w *world, b *browser) answer {
			w.mail.Messages = nil
			return b.get("/mailbox")
		}, status: 404, en: "Page not found", de: "Seite nicht gefunden"},
		{name: "no page", visit: get("/nowhere/at/all"), status: 404, en: "Page not found", de: "Seite nicht gefunden"},
		{name: "wrong method", visit: get("/logout"), status: 405, en: "That did not work", de: "Das hat nicht geklappt"},
		{name: "from another site", visit: func(_ *world, b *browser) answer {
			b.site = "cross-site"
			return b.post("/login")
		}, status: 403, en: "Not allowed", de: "Nicht erlaubt"},
		{name: "unreadable form", visit: post("/login", "user", "\xff"), status: 400, en: "That did not work", de: "Das hat nicht geklappt"},
		{name: "too large", visit: post("/login", "user", strings.Repeat("x", 100<<10)), status: 413, en: "Too large", de: "Zu groß"},
		{name: "too often", visit: func(_ *world, b *browser) answer {
			for range 100 {
				b.post("/login")
			}
			return b.post("/login")
		}, status: 429, en: "Too many attempts", de: "Zu viele Versuche"},
		{name: "locked out", visit: func(w *world, b *browser) answer {
			w.accounts.Fail("Authenticate", fault.New(fault.Throttled, "").After(90*time.Second))
			return b.post("/login", "user", "a", "password", "b")
		}, status: 429, en: "Sign in", de: "Anmelden", wrong: true},
		{name: "a service is away", visit: func(w *world, b *browser) answer {
			w.oauth.err = fault.New(fault.Unavailable, "")
			return b.get("/login?authorization=" + pendingID)
		}, status: 503, en: "Back in a moment", de: "Gleich wieder da"},
		{name: "our fault", visit: func(w *world, b *browser) answer {
			w.mail.Err = fault.New(fault.Internal, "")
			return b.get("/mailbox")
		}, status: 500, en: "Something went wrong", de: "Etwas ist schiefgegangen"},
	}
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, p := range everyPage() {
		for language, title := range map[string]string{"en": p.en, "de": p.de} {
			t.Run(p.name+" "+language, func(t *testing.T) {
				t.Parallel()
				var adjust []func(*portal.Deps)
				if p.adjust != nil {
					adjust = append(adjust, p.adjust)
				}
				w := newWorld(t, adjust...)
				b := w.browser()
				b.language = language
				a := p.visit(w, b)

				require.Equal(t, p.status, a.Code)
				heading := title
				title += " – Gatehouse"
				if p.wrong {
					title = map[string]string{"en": "Error: ", "de": "Fehler: "}[language] + title
				}
				assert.Equal(t, title, a.title())
				assert.Equal(t, "text/html; charset=utf-8", a.Header().Get("Content-Type"))
				assert.Equal(t, "no-store", a.Header().Get("Cache-Control"))
				assert.Equal(t, language, a.Header().Get("Content-Language"))
				page := a.page()
				checkDocument(t, page, language, heading)
				checkTexts(t, a.Body.String())
				checkInline(t, page)
				checkForms(t, page)
				assert.Equal(t, p.wrong, len(withRole(page, "alert")) == 1, "an error summary")
			})
		}
	}
}

// checkDocument checks what holds for all pages.
func checkDocument(t *testing.T, page *html.Node, language, heading string) {
	t.Helper()
	root := elements(page, "html")[0]
	lang, _ := attribute(root, "lang")
	assert.Equal(t, language, lang)
	headings := elements(page, "h1")
	if assert.Len(t, headings, 1) {
		assert.Equal(t, heading, content(headings[0]))
	}
	assert.Len(t, elements(page, "main"), 1)
	seen := map[string]bool{}
	for _, e := range elements(page, "") {
		if id, ok := attribute(e, "id"); ok {
			assert.False(t, seen[id], "the id %q is there twice", id)
			seen[id] = true
		}
	}
	for _, name := range []string{"aria-describedby", "aria-labelledby", "for"} {
		for _, e := range elements(page, "") {
			ids, _ := attribute(e, name)
			for id := range strings.FieldsSeq(ids) {
				assert.True(t, seen[id], "%s names %q, which is not there", name, id)
			}
		}
	}
	current := 0
	for _, a := range elements(page, "a") {
		if value, ok := attribute(a, "aria-current"); ok && value == "true" {
			tag, _ := attribute(a, "hreflang")
			assert.Equal(t, language, tag)
			current++
		}
	}
	assert.Equal(t, 1, current, "one language is the present one")
}

var missingText = regexp.MustCompile(`\b(page|fault|validation|field|time)\.[a-z_]+|<no value>|%!`)

// checkTexts finds ids that were shown instead of their text.
func checkTexts(t *testing.T, body string) {
	t.Helper()
	assert.Empty(t, missingText.FindAllString(body, -1))
}

// checkInline finds what the content security policy would switch off.
func checkInline(t *testing.T, page *html.Node) {
	t.Helper()
	for _, script := range elements(page, "script") {
		src, _ := attribute(script, "src")
		assert.Regexp(t, `^/assets/[a-z]+\.[0-9a-f]{16}\.js$`, src)
		assert.Empty(t, content(script))
	}
	assert.Empty(t, elements(page, "style"))
	for _, e := range elements(page, "") {
		for _, a := range e.Attr {
			assert.NotEqual(t, "style", a.Key, e.Data)
			assert.False(t, strings.HasPrefix(a.Key, "on"), "%s has %s", e.Data, a.Key)
			assert.NotContains(t, strings.ToLower(a.Val), "javascript:")
		}
	}
}

// checkForms checks that each input has a label, says what it is for, and never
// brings a password back, and that forms lead to us or to the app.
func checkForms(t *testing.T, page *html.Node) {
	t.Helper()
	labels := map[string]string{}
	for _, l := range elements(page, "label") {
		id, _ := attribute(l, "for")
		labels[id] = content(l)
	}
	for _, input := range elements(page, "input") {
		kind, _ := attribute(input, "type")
		if kind == "hidden" {
			continue
		}
		id, _ := attribute(input, "id")
		assert.NotEmpty(t, labels[id], "the input %q has a label", id)
		_, completes := attribute(input, "autocomplete")
		assert.True(t, completes || kind == "checkbox", "the input %q says how to fill it in", id)
		if kind == "password" {
			_, filled := attribute(input, "value")
			assert.False(t, filled, "the input %q echoes a password", id)
		}
		if _, invalid := attribute(input, "aria-invalid"); invalid {
			described, _ := attribute(input, "aria-describedby")
			assert.Contains(t, strings.Fields(described), id+"-error")
		}
	}
	for _, f := range elements(page, "form") {
		method, _ := attribute(f, "method")
		action, _ := attribute(f, "action")
		assert.Equal(t, "post", method)
		assert.Regexp(t, `^(/[a-z]|https://app\.example\.net/)`, action)
		assert.NotEmpty(t, elements(f, "button"))
	}
}

func withRole(page *html.Node, role string) []*html.Node {
	return slices.DeleteFunc(elements(page, ""), func(e *html.Node) bool {
		r, _ := attribute(e, "role")
		return r != role
	})
}

func TestHeadIsGet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.browser().do(http.MethodHead, "/login")
	assert.Equal(t, http.StatusOK, a.Code)
}

func TestMethodsThatAPageLacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, allow := range map[string]string{
		"/":               "GET, HEAD",
		"/login":          "GET, HEAD, POST",
		"/logout":         "POST",
		"/register/sent":  "GET, HEAD",
		"/oauth2/resume":  "GET, HEAD, POST",
		"/mailbox":        "GET, HEAD",
		"/link/something": "GET, HEAD, POST",
	} {
		a := w.browser().do(http.MethodDelete, path)
		assert.Equal(t, http.StatusMethodNotAllowed, a.Code, path)
		assert.Equal(t, allow, a.Header().Get("Allow"), path)
	}
}

func TestErrorPagesNameTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.browser().get("/nowhere")
	id := a.Header().Get("X-Request-Id")
	require.NotEmpty(t, id)
	assert.Contains(t, a.text(), id)
}

func TestErrorPagesOfFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sessions.Away()
	b := w.browser()
	b.cookies["__Host-gatehouse_session"] = "a.b.c"
	a := b.get("/")
	assert.Equal(t, http.StatusServiceUnavailable, a.Code)
	assert.NotEmpty(t, a.Header().Get("Retry-After"))
	assert.Equal(t, "a.b.c", b.cookies["__Host-gatehouse_session"], "nobody is signed out by that")
}
