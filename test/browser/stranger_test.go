package browser_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// logoSite serves one picture, and no more than that.
func logoSite(t *testing.T) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 240, 80))
	for y := range 80 {
		for x := range 240 {
			if (x/40+y/40)%2 == 0 {
				m.SetRGBA(x, y, color.RGBA{R: 30, G: 90, B: 160, A: 255})
			}
		}
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Sec-Fetch-Mode"), "no browser comes here")
		_, _ = w.Write(b.Bytes())
	}))
	t.Cleanup(site.Close)
	return site.URL + "/logo.png"
}

// TestAStrangerGetsNobodyUnasked is an app that has registered by itself.
func TestAStrangerGetsNobodyUnasked(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{
		"GATEHOUSE_OAUTH_REGISTRATION=open", "GATEHOUSE_OAUTH_FETCH_ALLOW=127.0.0.0/8", "GATEHOUSE_UNUSUAL_LOGIN=off",
	}})
	a := startApp(t)
	answer, err := system.HTTP().Post(s.URL+"/oauth2/register", "application/json", strings.NewReader(
		`{"client_name":"Gatehouse Security","token_endpoint_auth_method":"none","redirect_uris":["`+a.URL+`/callback"],
			"logo_uri":"`+logoSite(t)+`","policy_uri":"https://rota.example.net/privacy"}`))
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var made struct {
		ID string `json:"client_id"`
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&made))
	person, _ := s.Register(t, "olli@example.org")
	b := open(t)
	b.run("an error is not followed",
		chromedp.Navigate(asks(s, made.ID, a, "prompt", "none")),
		visible(`.technical`),
		b.looks("stranger"),
		chromedp.Navigate(asks(s, made.ID, a, "prompt", "none", "ui_locales", "de")),
		b.looks("stranger-de"),
	)
	assert.Nil(t, a.of("/callback"))
	b.run("deciding",
		chromedp.Navigate(asks(s, made.ID, a)),
		signIn(person),
		visible(`button[value="allow"]`),
		b.looks("consent-unvetted"),
	)
	assert.Contains(t, b.text("main"), "nobody here has checked it")
	none, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("img.logo") === null`))
	require.NoError(t, err)
	assert.True(t, none)
}
