package flow_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// made is a client with its secret, as the JSON API shows it once.
type made struct {
	ID       int64  `json:"id"`
	Hash     string `json:"hash"`
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"`
}

// TestAClientOfAHub is registered by the hub's administrators, and signed in to by
// its members alone.
func TestAClientOfAHub(t *testing.T) {
	t.Parallel()
	s := system.Standalone(t)
	_, owner := s.Register(t, "olli@example.org")
	member := s.Invited(t, owner.Token, "uli@example.org")
	stranger, elsewhere := s.Register(t, "nobody@example.org")

	created := s.Call(t, http.MethodPost, "/v1/client", owner.Token, map[string]any{
		"client_name": "Reports", "redirect_uris": []string{system.AppOrigin + "/callback"},
		"scopes": []string{"openid", "profile", "email", "hub", "offline_access"},
	})
	require.Equal(t, http.StatusCreated, created.Status, "%s", created.Body)
	var client made
	created.Into(t, &client)
	app := system.AppOf(t, s, client.ClientID, client.Secret)

	b := system.NewBrowser(t, system.AppOrigin)
	request := app.Start()
	signIn(t, b, request, member)
	_, id := app.Finish(request, b.Arrived)
	assert.Equal(t, member.Hash, id.Subject)

	refuses(t, app, stranger)
	hides(t, s, elsewhere.Token, client)
	rotate(t, s, app, b, owner.Token, client)
}

// refuses has somebody sign in who is no member of the app's hub.
func refuses(t *testing.T, app *system.App, stranger system.Person) {
	t.Helper()
	b := system.NewBrowser(t, system.AppOrigin)
	b.Open(app.Start().URL)
	b.Submit("/login", url.Values{"user": {stranger.Email}, "password": {stranger.Password}})
	require.Nil(t, b.Arrived)
	assert.Zero(t, b.Page.Find(`form[action^="/login/hub?"]`).Length(), "there is no way into the hub")
	b.Submit("/login/hub/skip", nil)
	require.NotNil(t, b.Arrived, "on %s", b.URL)
	assert.Equal(t, "access_denied", b.Arrived.Query().Get("error"))
	assert.Empty(t, b.Arrived.Query().Get("code"))
}

// hides asks for the client as the owner of another hub.
func hides(t *testing.T, s *system.System, token string, client made) {
	t.Helper()
	for _, name := range []string{client.ClientID, client.Hash} {
		path := "/v1/client/" + name
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			assert.Equal(t, http.StatusNotFound, s.Call(t, method, path, token, nil).Status, method)
		}
		assert.Equal(t, http.StatusNotFound, s.Call(t, http.MethodPut, path, token, "{}").Status)
		assert.Equal(t, http.StatusNotFound, s.Call(t, http.MethodPost, path+"/secret", token, nil).Status)
	}
	assert.JSONEq(t, "[]", string(s.Call(t, http.MethodGet, "/v1/client", token, nil).Data))
}

// rotate takes an app to a new secret while the one before is good, too, and in the
// end deletes it.
func rotate(t *testing.T, s *system.System, app *system.App, b *system.Browser, token string, client made) {
	t.Helper()
	path := "/v1/client/" + client.Hash
	redeems := func(secret string) bool {
		t.Helper()
		request := app.Start()
		b.Open(request.URL) // logged in and allowed already
		app.Config.ClientSecret = secret
		_, err := app.Exchange(request, b.Arrived)
		return err == nil
	}
	fresh := func(body any) string {
		t.Helper()
		answer := s.Call(t, http.MethodPost, path+"/secret", token, body)
		require.Equal(t, http.StatusCreated, answer.Status, "%s", answer.Body)
		var rotated made
		answer.Into(t, &rotated)
		require.NotEmpty(t, rotated.Secret)
		return rotated.Secret
	}
	second := fresh(map[string]any{"overlap": 3600})
	assert.True(t, redeems(client.Secret), "the secret before")
	assert.True(t, redeems(second), "the new one")
	third := fresh(nil)
	assert.False(t, redeems(client.Secret))
	assert.False(t, redeems(second), "it was void at once")
	assert.True(t, redeems(third))

	require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, path, token, nil).Status)
	assert.Equal(t, http.StatusNotFound, s.Call(t, http.MethodDelete, path, token, nil).Status)
	b.Open(app.Start().URL)
	assert.Nil(t, b.Arrived, "nobody is sent to a client that is not there")
}
