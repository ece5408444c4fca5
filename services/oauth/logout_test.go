package oauth

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

const bye = "https://app.example/bye?from=us"

func signsOut(r *oauth.CreateClientRequest) { r.PostLogoutURIs = []string{bye, "http://127.0.0.1/bye"} }

func (h *harness) logout(f url.Values, login *oauth.Login) oauth.Logout {
	h.t.Helper()
	answer, err := h.service.BeginLogout(h.t.Context(), oauth.LogoutRequest{Form: f, Login: login})
	require.NoError(h.t, err)
	return answer
}

func TestTheHintProvesItsOwnSessionOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for session, kind := range map[string]func(*oauth.CreateClientRequest){
			"a": func(*oauth.CreateClientRequest) {}, "b": pairwise,
		} {
			c := h.web(signsOut, kind)
			login := h.in(session)
			hint := h.tokensOf(c, login).text("id_token")
			request := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"a b&c"}, "ui_locales": {"de"}}
			back := bye + "&state=a+b%26c"

			answer := h.logout(request, login)
			assert.True(t, answer.Proven)
			assert.Equal(t, back, answer.Redirect)
			assert.Equal(t, c.Client.ID, answer.Client.ID)
			assert.Equal(t, "de", answer.UILocales)

			later, elsewhere := h.in("2"), h.in(session)
			elsewhere.Subject = bob
			for name, who := range map[string]*oauth.Login{"another session": later, "another user": elsewhere, "nobody": nil} {
				answer := h.logout(request, who)
				assert.False(t, answer.Proven, name)
				assert.Equal(t, back, answer.Redirect, name)
			}
			h.clock.Advance(2 * time.Hour)
			assert.True(t, h.logout(request, login).Proven, "it may have expired")
			h.endOf(login)
			assert.Nil(t, h.logout(request, nil).Problem, "of a session that has ended")
		}
	})
}

// An ID token that was signed with a key that signs no more is good as a hint
// for as long as the key is published.
func TestHintsOfRetiredKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(signsOut)
		login := h.in("1")
		hint := h.tokensOf(c, login).text("id_token")
		set := h.service.signer.Set(keys.Default)
		before, err := set.Signing(t.Context())
		require.NoError(t, err)
		require.NoError(t, set.Rotate(t.Context()))
		after, err := set.Signing(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, before.ID, after.ID)
		request := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}
		assert.True(t, h.logout(request, login).Proven)
		require.NoError(t, set.Revoke(t.Context(), before.ID))
		answer := h.logout(request, login)
		require.NotNil(t, answer.Problem, "it is not published any more")
		assert.Empty(t, answer.Redirect)
	})
}

func TestALogoutWithoutAHintProvesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(signsOut)
		for _, login := range []*oauth.Login{nil, h.login()} {
			answer := h.logout(url.Values{"client_id": {c.Client.ID}, "post_logout_redirect_uri": {bye}}, login)
			assert.False(t, answer.Proven)
			assert.Equal(t, bye, answer.Redirect)
			assert.Equal(t, oauth.Logout{}, h.logout(url.Values{}, login))
			assert.Equal(t, oauth.Logout{}, h.logout(url.Values{"state": {"s"}, "logout_hint": {"x"}, "post_logout_redirect_uri": {""}}, login))
		}
	})
}

// Whatever is wrong, nobody is sent anywhere, and nothing is proved.
func TestWrongLogoutRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.web(signsOut), h.web()
		login := h.in("1")
		tokens := h.tokensOf(c, login)
		hint := tokens.text("id_token")
		one := func(name, value string) func(url.Values) { return func(f url.Values) { f.Set(name, value) } }
		two := func(name, value string) func(url.Values) { return func(f url.Values) { f.Add(name, value) } }
		to := func(uri string) func(url.Values) { return one("post_logout_redirect_uri", uri) }
		for name, change := range map[string]func(url.Values){
			"unregistered":             to("https://evil.example/"),
			"a prefix":                 to("https://app.example/bye"),
			"more query":               to(bye + "&x=y"),
			"a fragment":               to(bye + "#x"),
			"another case":             to("https://APP.example/bye?from=us"),
			"user information":         to("https://app.example@evil.example/bye?from=us"),
			"another port":             to("http://127.0.0.1:8080/bye"),
			"relative":                 to("//evil.example"),
			"a script":                 to("javascript:alert(1)"),
			"a redirect URI":           to(callback),
			"twice":                    two("post_logout_redirect_uri", bye),
			"huge address":             to("https://app.example/" + strings.Repeat("a", 3000)),
			"forged":                   one("id_token_hint", hint[:len(hint)-8]+"AAAAAAAA"),
			"no token":                 one("id_token_hint", "x.y.z"),
			"unsigned":                 one("id_token_hint", "eyJhbGciOiJub25lIn0."+strings.Split(hint, ".")[1]+"."),
			"an access token":          one("id_token_hint", tokens.text("access_token")),
			"hint twice":               two("id_token_hint", hint),
			"huge hint":                one("id_token_hint", strings.Repeat("h", 17<<10)),
			"another client":           one("client_id", other.Client.ID),
			"no client":                one("client_id", "unknown"),
			"client twice":             two("client_id", c.Client.ID),
			"state twice":              func(f url.Values) { f["state"] = []string{"a", "b"} },
			"huge state":               one("state", strings.Repeat("s", 2049)),
			"huge locales":             one("ui_locales", strings.Repeat("l", 321)),
			"huge logout hint":         one("logout_hint", strings.Repeat("l", 321)),
			"no text":                  one("state", "\xff"),
			"NUL":                      one("state", "\x00"),
			"nobody's":                 func(f url.Values) { f.Del("id_token_hint"); f.Del("client_id") },
			"unknown without a hint":   func(f url.Values) { f.Del("id_token_hint"); f.Set("client_id", "unknown") },
			"another's without a hint": func(f url.Values) { f.Del("id_token_hint"); f.Set("client_id", other.Client.ID) },
		} {
			f := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "client_id": {c.Client.ID}}
			change(f)
			answer := h.logout(f, login)
			require.NotNil(t, answer.Problem, name)
			assert.Equal(t, "invalid_request", answer.Problem.Code, name)
			assert.NotEmpty(t, answer.Problem.Description, name)
			assert.Empty(t, answer.Redirect, name)
		}
		_, err := h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.Client.ID})
		require.NoError(t, err)
		assert.NotNil(t, h.logout(url.Values{"id_token_hint": {hint}}, login).Problem, "of a client that is gone")
	})
}

// An ID token of a logout, or of a JWT access token, is no hint.
func TestOnlyIDTokensAreHints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(signsOut, l.of, func(r *oauth.CreateClientRequest) { r.AccessTokenFormat = "jwt" })
		login := h.in("1")
		access := h.tokensOf(c, login).text("access_token")
		require.Len(t, strings.Split(access, "."), 3)
		h.endOf(login)
		for _, token := range append(h.heard(l), access) {
			answer := h.logout(url.Values{"id_token_hint": {token}}, login)
			require.NotNil(t, answer.Problem)
			assert.False(t, answer.Proven)
		}
	})
}
