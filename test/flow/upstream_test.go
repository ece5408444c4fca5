package flow_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/node"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

var authorizationLink = regexp.MustCompile(`<([^>]+)>; rel="authorization"`)

// upstreamUser is somebody at a provider, by a browser.
type upstreamUser func(b *system.Browser)

// atProvider takes somebody to a provider and back, and gives what the API wants
// to hear of it.
func atProvider(t *testing.T, s *system.System, provider, token, callback string, they upstreamUser) map[string]string {
	t.Helper()
	begun := s.Call(t, http.MethodPost, "/v1/auth/identity/"+provider+"/state", token, map[string]string{"redirect_uri": callback})
	require.Equal(t, http.StatusOK, begun.Status, "%s", begun.Body)
	to := authorizationLink.FindStringSubmatch(begun.Header.Get("Link"))
	require.NotNil(t, to)
	b := system.NewBrowser(t, callback)
	b.Open(to[1])
	they(b)
	require.NotNil(t, b.Arrived, "not back from the provider, but at %s: %s", b.URL, b.Page.Text())
	answer := map[string]string{}
	for name := range b.Arrived.Query() {
		answer[name] = b.Arrived.Query().Get(name)
	}
	require.NotEmpty(t, answer["iss"], "%s", b.Arrived)
	return answer
}

// TestLogInAtSomebodyElsesProvider does so at one that other people have built.
func TestLogInAtSomebodyElsesProvider(t *testing.T) {
	t.Parallel()
	const callback = "https://app.example.org/upstream"
	for _, authentication := range []string{"client_secret_basic", "client_secret_post"} {
		t.Run(authentication, func(t *testing.T) {
			t.Parallel()
			settings, err := json.Marshal(map[string]string{
				"client_id": "gatehouse", "client_secret": "a secret: 100% & more", "redirect_uri": callback, "authentication": authentication,
			})
			require.NoError(t, err)
			var started struct{ Issuer string }
			node.Start(t, []string{"SETTINGS=" + string(settings)}, "oidc-provider.mjs").Read(&started)
			s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{`GATEHOUSE_UPSTREAM_PROVIDERS=[{
				"name": "company", "issuer": "` + started.Issuer + `", "client_id": "gatehouse", "client_secret": "a secret: 100% & more",
				"redirect_uris": ["` + callback + `"], "require_nonce": true, "trust_email": true, "link_by_email": true
			}]`}})
			_, titan := s.Register(t, "titan@example.org")
			as := func(name string) upstreamUser {
				return func(b *system.Browser) {
					b.Submit("/interaction/", url.Values{"login": {name}, "password": {"x"}})
					if b.Arrived == nil {
						b.Submit("/interaction/", nil) // consent
					}
				}
			}
			finish := func(answer map[string]string) system.Response {
				return s.Call(t, http.MethodPost, "/v1/auth/identity/company", "", answer)
			}
			require.Equal(t, http.StatusUnauthorized, finish(atProvider(t, s, "company", "", callback, as("nobody"))).Status)
			answer := atProvider(t, s, "company", "", callback, as("titan"))
			var in system.Authentication
			finish(answer).Into(t, &in)
			require.Equal(t, titan.User.Hash, in.User.Hash, "the operator lets the address open the account")
			require.Equal(t, http.StatusUnprocessableEntity, finish(answer).Status, "once")

			lied := atProvider(t, s, "company", "", callback, as("titan"))
			lied["iss"] = "https://evil.example"
			require.Equal(t, http.StatusUnauthorized, finish(lied).Status)
			denied := atProvider(t, s, "company", "", callback, func(b *system.Browser) {
				href, _ := b.Page.Find("a[href$='/abort']").Attr("href")
				b.Open(href)
			})
			require.Equal(t, "access_denied", denied["error"])
			delete(denied, "error_description")
			require.Contains(t, finish(denied).Error.Message, "company")
		})
	}
}

// TestAHubLogsInAtAnotherGatehouse brings one along as its provider, and then
// admits by nothing else.
func TestAHubLogsInAtAnotherGatehouse(t *testing.T) {
	t.Parallel()
	upstream := system.Standalone(t)
	they, _ := upstream.Register(t, "titan@example.org")
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_OAUTH_FETCH_ALLOW=127.0.0.0/8"}})
	owner, titan := s.Register(t, "titan@example.org")

	var provider struct {
		Hash        string `json:"hash"`
		RedirectURI string `json:"redirect_uri"`
	}
	put := func(mode, client, secret string) {
		t.Helper()
		s.Call(t, http.MethodPut, "/v1/provider/corp", titan.Token, map[string]string{
			"mode": mode, "issuer": upstream.URL, "client_id": client, "client_secret": secret,
		}).Into(t, &provider)
	}
	put("optional", "unknown yet", "x")
	app := system.NewApp(t, upstream, "--redirect-uri", provider.RedirectURI)
	put("optional", app.Config.ClientID, app.Secret)

	agree := func(b *system.Browser) {
		b.Submit("/login", url.Values{"user": {they.Email}, "password": {they.Password}})
		if b.Arrived == nil {
			b.Submit("/consent", url.Values{"decision": {"allow"}})
		}
	}
	path := "/v1/auth/identity/" + provider.Hash
	come := func(token string) system.Response {
		t.Helper()
		return s.Call(t, http.MethodPost, path, token, atProvider(t, s, provider.Hash, token, provider.RedirectURI, agree))
	}
	require.Equal(t, http.StatusUnauthorized, come("").Status, "an address says nothing here")
	require.Equal(t, http.StatusOK, come(titan.Token).Status)
	unnamed := atProvider(t, s, provider.Hash, "", provider.RedirectURI, agree)
	delete(unnamed, "iss")
	require.Equal(t, http.StatusUnauthorized, s.Call(t, http.MethodPost, path, "", unnamed).Status, "our page would know the issuer")

	var in system.Authentication
	come("").Into(t, &in)
	require.Equal(t, titan.Hub.Hash, in.Hub.Hash)
	var other struct{ Hash string }
	s.Call(t, http.MethodPost, "/v1/hub", titan.Token, map[string]string{"name": "Falcon"}).Into(t, &other)
	require.NotContains(t, string(s.Call(t, http.MethodGet, "/v1/hub", in.Token, nil).Body), "Falcon")
	require.NotContains(t, string(s.Call(t, http.MethodGet, "/v1/auth", in.Token, nil).Body), "Falcon")
	for _, forbidden := range []struct{ method, path, body string }{
		{http.MethodDelete, "/v1/auth/hub", ""}, {http.MethodPost, "/v1/token", `{"name":"x"}`}, {http.MethodPost, "/v1/hub", `{"name":"x"}`},
		{http.MethodGet, "/v1/account/export", ""}, {http.MethodGet, "/v1/identity", ""}, {http.MethodGet, "/v1/consent", ""},
		{http.MethodPost, "/v1/mfa", `{"channel":3}`}, {http.MethodPost, "/v1/passkey/options", ""}, {http.MethodGet, "/v1/session", ""},
		{http.MethodPut, "/v1/user/" + in.User.Hash, `{"first_name":"Mallory"}`}, {http.MethodGet, "/v1/audit?own=true", ""},
		{http.MethodPut, "/v1/password", fmt.Sprintf(`{"current_password":%q,"password":"WoWar1chUnsicher?","password_confirmation":"WoWar1chUnsicher?"}`, owner.Password)},
	} {
		var body any
		if forbidden.body != "" {
			body = forbidden.body
		}
		res := s.Call(t, forbidden.method, forbidden.path, in.Token, body)
		require.Equal(t, http.StatusForbidden, res.Status, "%s %s: %s", forbidden.method, forbidden.path, res.Body)
	}
	to := s.Call(t, http.MethodPost, "/v1/auth/hub/"+other.Hash, in.Token, nil)
	require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, to.Status, "%s", to.Body)

	put("mandatory", app.Config.ClientID, "")
	require.Nil(t, s.LogIn(t, owner).Hub, "a password opens no such hub")
	come("").Into(t, &in)
	require.Equal(t, titan.Hub.Hash, in.Hub.Hash)
	require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/provider/corp", in.Token, nil).Status)
	system.Eventually(t, "the end of its session", func() bool {
		return s.Call(t, http.MethodGet, "/v1/auth", in.Token, nil).Status == http.StatusUnauthorized
	})
	require.NotNil(t, s.LogIn(t, owner).Hub)
	require.NotContains(t, s.Logs.String(), app.Secret)
}
