package portal_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func TestContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	const before, after = "default-src 'none'; style-src 'self'; img-src 'self'; form-action ", "; base-uri 'none'; frame-ancestors 'none'"
	w := newWorld(t)
	b := w.signedIn()
	for _, path := range []string{"/", "/register/sent", "/link/x", "/mailbox", "/nowhere"} {
		assert.Equal(t, before+"'self'"+after, b.get(path).Header().Get("Content-Security-Policy"), path)
	}
	for origin, action := range map[string]string{
		"https://app.example.net":       "'self' https:",
		"http://127.0.0.1:4000":         "'self' http: https:",
		"http://[::1]:4000":             "'self' http: https:",
		"com.example.app:":              "'self' com.example.app:",
		"com.example.app://cb":          "'self' com.example.app:",
		"https://a.example; script-src": "'self'",
		"":                              "'self'",
	} {
		w.oauth.interaction.RedirectTo = origin
		for _, path := range []string{"/login?authorization=" + pendingID, "/consent?authorization=" + pendingID} {
			want := before + action + after
			if strings.HasPrefix(path, "/login") { // for passkeys
				want += "; script-src 'self'; connect-src 'self'"
			}
			assert.Equal(t, want, b.get(path).Header().Get("Content-Security-Policy"), "%s %s", path, origin)
		}
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	for _, site := range []string{"cross-site", "same-site"} {
		w := newWorld(t)
		b := w.signedIn()
		b.site = site
		for path, fields := range map[string][]string{
			"/login":    {"user", gatewaytest.Email, "password", gatewaytest.Password},
			"/logout":   nil,
			"/register": {"first_name", "a", "last_name", "b", "email", "a@example.org"},
			linkPath:    nil,
			"/activation": {
				"name", "x", "password", goodPW, "password_confirmation", goodPW, "terms", "1",
			},
			consentPath: {"decision", "allow", "subject", gatewaytest.UserHash},
			"/oauth2/resume?authorization=" + pendingID: {"subject", gatewaytest.UserHash},
			"/nowhere":              nil,
			"/login/passkey":        {"ceremony", ceremony, "credential", credential},
			"/login/stepup" + waits: nil, "/login/stepup/code" + waits: {"code", rightCode}, "/login/stepup/send" + waits: nil,
			"/login/stepup/passkey" + waits: {"ceremony", ceremony, "credential", credential}, "/login/stepup/skip" + waits: nil,
			"/login/code": {"code", rightCode}, "/login/code/send": {"channel", "2"}, "/login/password": {"password", goodPW},
			"/login/terms": {"terms", "1"}, "/login/factor": {"channel", "3"}, "/login/factor/confirm": {"code", rightCode},
			"/forgot": {"user", "a"}, "/recover": {"user", "a"}, "/reset/" + resetLink: {"password", goodPW, "password_confirmation", goodPW},
			"/unlock/" + unlockLink: nil, "/link/" + emailLink: nil, "/email": nil, "/recovery": nil,
		} {
			a := b.post(path, fields...)
			assert.Equal(t, http.StatusForbidden, a.Code, "%s %s", site, path)
			assert.Empty(t, a.Result().Cookies(), path)
		}
		assert.Empty(t, w.accounts.Registered)
		assert.NotContains(t, w.accounts.Calls(), opensCalls)
		assert.Empty(t, w.oauth.resumed)
		assert.Empty(t, w.accounts.used)
		assert.Empty(t, w.accounts.asked)
		assert.Empty(t, w.accounts.stepped)
		assert.Len(t, w.sessions.Created(), 1, "the one of the beginning")
		assert.Equal(t, "Your account – Gatehouse", b.get("/").title())
	}
}

// Nothing in a URL or a form decides where to go.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	const evil = "https://evil.example/"
	w := newWorld(t)
	b := w.browser()
	query := "?return_to=" + evil + "&next=" + evil + "&redirect_uri=" + evil + "&rd=//evil.example"
	for _, a := range []answer{
		b.post("/login"+query, "user", gatewaytest.Email, "password", gatewaytest.Password, "return_to", evil),
		b.get("/login" + query),
		b.post("/logout" + query),
	} {
		require.Equal(t, http.StatusSeeOther, a.Code)
		assert.Equal(t, "/", a.location())
	}
	a := b.get("//evil.example/%2f..")
	assert.NotRegexp(t, `^(https?:)?//`, a.location())
	for _, link := range elements(b.get("/nowhere//evil.example").page(), "a") {
		path, _ := attribute(link, "href")
		assert.NotRegexp(t, `^//`, path)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	page := b.get("/").Body.String()
	paths := regexp.MustCompile(`/assets/[a-z]+\.[0-9a-f]{16}\.[a-z]+`).FindAllString(page, -1)
	require.NotEmpty(t, paths)
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	for i := 0; i < len(paths); i++ {
		a := b.get(paths[i])
		require.Equal(t, http.StatusOK, a.Code, paths[i])
		assert.Equal(t, "public, max-age=31536000, immutable", a.Header().Get("Cache-Control"))
		assert.Equal(t, kinds[paths[i][strings.LastIndex(paths[i], "."):]], a.Header().Get("Content-Type"))
		assert.NotEmpty(t, a.Body.Bytes())
		assert.NotContains(t, a.Body.String(), "<style")
		if strings.HasSuffix(paths[i], ".css") {
			refers := regexp.MustCompile(`url\("([^"]+)"\)`).FindAllStringSubmatch(a.Body.String(), -1)
			require.NotEmpty(t, refers)
			for _, r := range refers {
				paths = append(paths, r[1])
			}
		}
	}

	other := b.get("/assets/portal.0000000000000000.css")
	assert.Equal(t, http.StatusOK, other.Code, "of another version, while one is rolled out")
	assert.Equal(t, "no-cache", other.Header().Get("Cache-Control"))
	for _, path := range []string{"/assets/", "/assets/nothing.css", "/assets/..%2fportal.go", "/assets/portal"} {
		assert.Equal(t, http.StatusNotFound, b.get(path).Code, path)
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.get("/mailbox")
	text := a.text()
	assert.Less(t, strings.Index(text, "You are invited to <Nordantech>"), strings.Index(text, "Confirm"), "newest first")
	assert.Contains(t, text, "1 minute ago")
	assert.Contains(t, text, "<b>bold</b> & more")
	var links []string
	for _, link := range elements(elements(a.page(), "main")[0], "a") {
		href, _ := attribute(link, "href")
		links = append(links, href)
	}
	assert.Equal(t, []string{origin + "/link/" + gatewaytest.InvitationLink, "/mailbox/2/html"}, links, "no full stop in a link")

	html := b.get("/mailbox/2/html")
	assert.Equal(t, `<p style="color: green">Hello</p>`, html.Body.String())
	assert.Equal(t, "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:", html.Header().Get("Content-Security-Policy"))
	assert.Equal(t, "no-store", html.Header().Get("Cache-Control"))
	for _, id := range []string{"1", "3", "02", "x"} {
		assert.Equal(t, http.StatusNotFound, b.get("/mailbox/"+id+"/html").Code, id)
	}
	assert.Contains(t, b.get("/register/sent").Body.String(), `href="/mailbox"`)

	for host, status := range map[string]int{
		"rebound.example": http.StatusNotFound, "id.example.org.rebound.example": http.StatusNotFound, "": http.StatusNotFound,
		"ID.example.org:443": http.StatusOK,
	} {
		for _, path := range []string{"/mailbox", "/mailbox/2/html"} {
			r := newRequest(http.MethodGet, path)
			r.Host = host
			seen := httptest.NewRecorder()
			w.handler.ServeHTTP(seen, r)
			assert.Equal(t, status, seen.Code, "%s at %s", path, host)
			assert.Equal(t, status == http.StatusOK, strings.Contains(seen.Body.String(), "Hello"), host)
		}
	}

	w.mail.Messages = nil
	for _, path := range []string{"/mailbox", "/mailbox/2/html"} {
		assert.Equal(t, http.StatusNotFound, b.get(path).Code, path)
	}
	assert.NotContains(t, b.get("/register/sent").Body.String(), `href="/mailbox"`)
}
