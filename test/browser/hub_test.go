package browser_test

import (
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// asks is an authorization request of the app.
func asks(s *system.System, id string, a *app, more ...string) string {
	request := url.Values{
		"client_id": {id}, "redirect_uri": {a.URL + "/callback"}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"s"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(more); i += 2 {
		request.Set(more[i], more[i+1])
	}
	return s.URL + "/oauth2/authorize?" + request.Encode()
}

// TestAnAppOfAnotherHub asks whoever is signed in elsewhere to change, on the way.
func TestAnAppOfAnotherHub(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_UNUSUAL_LOGIN=off"}})
	a := startApp(t)
	person, login := s.Register(t, "olli@example.org")
	var made struct {
		ID string `json:"client_id"`
	}
	s.Call(t, "POST", "/v1/client", login.Token, map[string]any{
		"client_name": "Rota Planner", "redirect_uris": []string{a.URL + "/callback"}, "token_endpoint_auth_method": "none",
		"policy_uri": "https://rota.example.net/privacy",
	}).Into(t, &made)
	var falcon struct{ Hash string }
	s.Call(t, "POST", "/v1/hub", login.Token, map[string]any{"name": "Falcon"}).Into(t, &falcon)
	b := open(t)
	b.run("signing in to another",
		chromedp.Navigate(s.URL+"/login?hub="+falcon.Hash),
		signIn(person),
		visible(`a[href="/account"]`),
	)
	b.run("being asked to change",
		chromedp.Navigate(asks(s, made.ID, a)),
		visible(`form[action*="/login/hub"] button`),
		b.looks("hub-change"),
		submit(`a[hreflang="de"]`),
		b.looks("hub-change-de"),
		submit(`form[action*="/login/hub"]:not([action*="skip"]) button`),
		visible(`button[value="allow"]`),
		submit(`button[value="allow"]`),
		visible(`#here`),
	)
	require.NotEmpty(t, a.of("/callback").URL.Query().Get("code"))
}
