package browser_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/guides"
	"github.com/gatehouse-id/gatehouse/test/internal/node"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestTheGuideToSinglePageApps runs the app of docs/integration/single-page.md.
func TestTheGuideToSinglePageApps(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_UNUSUAL_LOGIN=off"}})
	person, _ := s.Register(t, "olli@example.org")
	b := open(t)
	g := guides.Open(t, s, "single-page.md")
	assert.Empty(t, g.Register("single-page-app"), "a public client has no secret")
	files := singlePage(t, g)
	serveAt(t, "127.0.0.1:"+g.Port(), files)

	b.run("signing in",
		chromedp.Navigate(g.Origin+"/"),
		says("Nobody is signed in."),
		submit(`#sign-in`),
		signIn(person),
		visible(`button[value="allow"]`),
		submit(`button[value="allow"]`),
		says("Hello Olli Kahn! signed in"),
		b.shot("single-page"),
	)
	for range 2 { // as tokens are replaced
		b.run("renewing",
			chromedp.Navigate(g.Origin+"/"),
			says("Hello Olli Kahn! signed in"),
			chromedp.Click(chromedp.CSS(`#renew`)),
			says("Hello Olli Kahn! renewed"),
		)
	}
	b.run("signing out", submit(`#sign-out`), says("Nobody is signed in."))
	b.run("signing in again", submit(`#sign-in`), visible(`input[name="user"]`))

	elsewhere := httptest.NewServer(files)
	t.Cleanup(elsewhere.Close)
	ask := fmt.Sprintf(`fetch(%q, {method: "POST", body: new URLSearchParams({
		client_id: "single-page-app", grant_type: "refresh_token", refresh_token: "none",
	})}).then((answer) => answer.json()).then((answer) => answer.error)`, s.URL+"/oauth2/token")
	for origin, want := range map[string]string{g.Origin: "invalid_grant", elsewhere.URL: "invalid_request"} {
		b.run("opening "+origin, chromedp.Navigate(origin+"/"))
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](ask, chromedp.EvalAwaitPromise))
		require.NoError(t, err)
		assert.Equal(t, want, got, origin)
	}
}

// singlePage serves what the guide tells to put into a folder.
func singlePage(t *testing.T, g guides.Page) http.Handler {
	t.Helper()
	dir := t.TempDir()
	library, err := os.ReadFile(filepath.Join(node.Libraries(t), "oidc-client-ts", "dist", "browser", "oidc-client-ts.min.js"))
	require.NoError(t, err)
	for name, text := range map[string]string{
		"index.html": g.Block("html", "<!doctype html>"), "app.js": g.Block("js", "const "), "oidc-client-ts.min.js": string(library),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return http.FileServer(http.Dir(dir))
}

func serveAt(t *testing.T, address string, handler http.Handler) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	require.NoError(t, server.Listener.Close())
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
}

// says waits until the app says that.
func says(text string) step {
	poll := chromedp.Poll[bool](fmt.Sprintf(`document.querySelector("#who")?.textContent === %q`, text))
	return chromedp.Steps(visible(`#who`), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := poll(ctx, t)
		return err
	}))
}
