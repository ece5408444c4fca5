package browser_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// app is a relying party of which nothing counts but where browsers come.
type app struct {
	*httptest.Server

	mu    sync.Mutex
	asked map[string]*http.Request // the last one of each path
}

func startApp(t *testing.T) *app {
	t.Helper()
	a := &app{asked: map[string]*http.Request{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[r.URL.Path] = r
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte(`<!doctype html><title>app</title><p id="here">` + r.URL.Path))
}

func (a *app) of(path string) *http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[path]
}

// TestAnAppIsToldInAFrame sees that the page's own policy lets the frame in, and
// that the browser goes on to the app without a script.
func TestAnAppIsToldInAFrame(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_UNUSUAL_LOGIN=off"}})
	a := startApp(t)
	s.Operate(t, "client", "create", "--id", "rota", "--name", "Rota Planner", "--first-party",
		"--redirect-uri", a.URL+"/callback", "--post-logout-redirect-uri", a.URL+"/bye", "--frontchannel-logout-uri", a.URL+"/frame")
	person, _ := s.Register(t, "olli@example.org")
	b := open(t)
	request := url.Values{
		"client_id": {"rota"}, "redirect_uri": {a.URL + "/callback"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"s"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
	}
	logout := url.Values{"client_id": {"rota"}, "post_logout_redirect_uri": {a.URL + "/bye"}, "state": {"s"}}
	b.run("signing in",
		chromedp.Navigate(s.URL+"/oauth2/authorize?"+request.Encode()),
		fill(`input[name="user"]`, person.Email),
		fill(`input[name="password"]`, person.Password),
		submit(`form[action*="login"] button[type="submit"]`),
		visible(`#here`),
	)
	b.run("being asked",
		chromedp.Navigate(s.URL+"/oauth2/logout?"+logout.Encode()),
		visible(`form[action*="/logout/app"]`),
		b.looks("logout"),
		submit(`form[action*="/logout/app"] button`),
		visible(`a.button`),
		b.looks("logout-done"),
	)
	b.run("going on without a script", visible(`#here`))
	frame := a.of("/frame")
	if assert.NotNil(t, frame, "the frame was not opened") {
		assert.Equal(t, "iframe", frame.Header.Get("Sec-Fetch-Dest"))
		assert.Empty(t, frame.Referer())
	}
	assert.Equal(t, "/bye", b.text(`#here`))
	assert.Equal(t, "s", a.of("/bye").URL.Query().Get("state"))
	b.run("a wrong request",
		chromedp.Navigate(s.URL+"/oauth2/logout?client_id=nobody&language=de"),
		visible(`.technical`),
		b.looks("logout-refused"),
	)
}
