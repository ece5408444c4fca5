package portal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

func TestFormPost(t *testing.T) {
	t.Parallel()
	for action, targets := range map[string]string{
		"https://app.example.net/cb?tenant=a&x=1": "https:",
		"http://127.0.0.1:49152/cb":               "http: https:",
		"com.example.app:/cb":                     "com.example.app:",
	} {
		w := newWorld(t)
		w.oauth.answer = &oauth.Authorization{Post: &oauth.FormPost{
			Action: action, Fields: map[string]string{"state": `"><script>`, "code": "c", "iss": origin},
		}}
		a := w.browser().get("/oauth2/authorize?client_id=rota")
		require.Equal(t, http.StatusOK, a.Code)
		assert.Equal(t, "no-store", a.Header().Get("Cache-Control"))
		assert.Equal(t, "default-src 'none'; style-src 'self'; img-src 'self'; form-action "+targets+
			"; base-uri 'none'; frame-ancestors 'none'; script-src 'self'", a.Header().Get("Content-Security-Policy"))

		forms := elements(a.page(), "form")
		require.Len(t, forms, 1)
		to, _ := attribute(forms[0], "action")
		assert.Equal(t, action, to)
		sent := map[string]string{}
		for _, input := range elements(forms[0], "input") {
			name, _ := attribute(input, "name")
			sent[name], _ = attribute(input, "value")
		}
		assert.Equal(t, w.oauth.answer.Post.Fields, sent)
		assert.Equal(t, "Continue", content(elements(forms[0], "button")[0]), "without JavaScript")

		scripts := elements(a.page(), "script")
		require.Len(t, scripts, 1)
		src, _ := attribute(scripts[0], "src")
		script := w.browser().get(src)
		assert.Equal(t, http.StatusOK, script.Code)
		assert.Equal(t, "text/javascript; charset=utf-8", script.Header().Get("Content-Type"))
	}
}

func TestFormPostToWhereNobodyMayBeSent(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example/", "/somewhere", ""} {
		w := newWorld(t)
		w.oauth.answer = &oauth.Authorization{Post: &oauth.FormPost{Action: action, Fields: map[string]string{"code": "c"}}}
		a := w.browser().get("/oauth2/authorize")
		assert.Equal(t, http.StatusInternalServerError, a.Code, action)
		assert.Empty(t, elements(a.page(), "form"), action)
		assert.NotContains(t, a.Header().Get("Content-Security-Policy"), "script-src")
	}
}
