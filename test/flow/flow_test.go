// Package flow_test takes people and apps through Gatehouse, on every shape of it.
package flow_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

func TestMain(m *testing.M) { system.Main(m) }

// TestMainJob is what Gatehouse is for: somebody registers, and signs in to an
// app that is not ours.
func TestMainJob(t *testing.T) {
	system.Each(t, func(t *testing.T, s *system.System) {
		person, _ := s.Register(t, s.Address("olli"))

		t.Run("the JSON API", func(t *testing.T) { theAPI(t, s, person) })
		t.Run("a confidential app", func(t *testing.T) { anApp(t, s, system.NewApp(t, s), person) })
		t.Run("a public app", func(t *testing.T) { anApp(t, s, system.NewApp(t, s, "--public"), person) })
		t.Run("a machine", func(t *testing.T) { aMachine(t, s) })
		t.Run("what is used up", func(t *testing.T) { usedUp(t, s, person) })
		t.Run("a refusal", func(t *testing.T) { aRefusal(t, s, person) })
		t.Run("the pages", func(t *testing.T) { thePages(t, s) })
	})
}

func theAPI(t *testing.T, s *system.System, p system.Person) {
	login := s.LogIn(t, p)
	current := s.Call(t, http.MethodGet, "/v1/auth", login.Token, nil)
	require.Equal(t, http.StatusOK, current.Status)
	assert.NotEmpty(t, current.Header.Get("Etag"))

	var fresh system.Authentication
	s.Call(t, http.MethodPut, "/v1/auth", login.Token, nil).Into(t, &fresh)
	assert.Equal(t, login.Session.Hash, fresh.Session.Hash)
	assert.NotEqual(t, login.Token, fresh.Token)

	require.Equal(t, http.StatusOK, s.Call(t, http.MethodDelete, "/v1/auth", fresh.Token, nil).Status)
	for _, token := range []string{login.Token, fresh.Token} {
		assert.Equal(t, http.StatusUnauthorized, s.Call(t, http.MethodGet, "/v1/auth", token, nil).Status)
	}
}

// signIn takes a browser that is not logged in through login and consent.
func signIn(t *testing.T, b *system.Browser, r system.Request, p system.Person) {
	t.Helper()
	b.Open(r.URL)
	require.Equal(t, http.StatusOK, b.Status, "sent to %s", b.Arrived)
	b.Submit("/login", url.Values{"user": {p.Email}, "password": {p.Password}})
	if b.Arrived == nil {
		b.Submit("/consent", url.Values{"decision": {"allow"}})
	}
}

func anApp(t *testing.T, s *system.System, a *system.App, p system.Person) {
	b := system.NewBrowser(t, a.Config.RedirectURL)
	request := a.Start()
	signIn(t, b, request, p)
	token, id := a.Finish(request, b.Arrived)
	assert.Equal(t, p.Hash, id.Subject)
	assert.Equal(t, s.URL, b.Arrived.Query().Get("iss"))

	info, err := a.Provider.UserInfo(a.Context(), oauth2.StaticTokenSource(token))
	require.NoError(t, err)
	assert.Equal(t, p.Hash, info.Subject)
	assert.Equal(t, p.Email, info.Email)
	assert.True(t, info.EmailVerified)
	var claims struct {
		Name string `json:"name"`
		Hub  struct {
			Name string `json:"name"`
			Role int    `json:"role"`
		} `json:"hub"`
	}
	require.NoError(t, info.Claims(&claims))
	assert.Equal(t, "Olli Kahn", claims.Name)
	assert.Equal(t, p.Hub, claims.Hub.Name)

	refreshed, err := a.Config.TokenSource(a.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	require.NoError(t, err)
	assert.NotEqual(t, token.AccessToken, refreshed.AccessToken)
	assert.NotEqual(t, token.RefreshToken, refreshed.RefreshToken)
	assert.Equal(t, p.Hash, a.Verify(refreshed, "").Subject)

	// The second time nobody is asked: the browser is logged in, consent is
	// remembered.
	again := a.Start()
	b.Open(again.URL)
	_, id = a.Finish(again, b.Arrived)
	assert.Equal(t, p.Hash, id.Subject)
}

func aMachine(t *testing.T, s *system.System) {
	a := system.NewApp(t, s, "--grant", "client_credentials")
	res := postForm(t, s.URL+"/oauth2/token", a, url.Values{"grant_type": {"client_credentials"}})
	assert.Equal(t, http.StatusOK, res.status, res.body)
	assert.NotEmpty(t, res.json["access_token"])
	assert.Nil(t, res.json["refresh_token"])
}

// usedUp replays what is good for once, also two at once.
func usedUp(t *testing.T, s *system.System, p system.Person) {
	a := system.NewApp(t, s)
	b := system.NewBrowser(t, a.Config.RedirectURL)
	request := a.Start()
	signIn(t, b, request, p)

	const tries = 8
	results := make([]error, tries)
	var wg sync.WaitGroup
	for i := range tries {
		wg.Go(func() { _, results[i] = a.Exchange(request, b.Arrived) })
	}
	wg.Wait()
	good := 0
	for _, err := range results {
		if err == nil {
			good++
		}
	}
	assert.Equal(t, 1, good, "a code is good for once: %v", results)

	code := s.Call(t, http.MethodPost, "/v1/activation/initiate", "", map[string]any{
		"first_name": "Ada", "last_name": "Byron", "email": s.Address("ada"),
	})
	require.Equal(t, http.StatusCreated, code.Status)
	link := "/v1/auth/verification/" + s.AwaitLink(t, s.Address("ada"))
	statuses := make([]int, tries)
	for i := range tries {
		wg.Go(func() { statuses[i] = s.Call(t, http.MethodPost, link, "", nil).Status })
	}
	wg.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusGone: tries - 1}, count)
}

func aRefusal(t *testing.T, s *system.System, p system.Person) {
	a := system.NewApp(t, s)
	b := system.NewBrowser(t, a.Config.RedirectURL)
	request := a.Start()
	b.Open(request.URL)
	b.Submit("/login", url.Values{"user": {p.Email}, "password": {"not this one, surely"}})
	require.Nil(t, b.Arrived)
	assert.Contains(t, []int{http.StatusUnauthorized, http.StatusUnprocessableEntity}, b.Status)
	b.Submit("/login", url.Values{"user": {p.Email}, "password": {p.Password}})
	b.Submit("/consent", url.Values{"decision": {"deny"}})
	require.NotNil(t, b.Arrived)
	assert.Equal(t, "access_denied", b.Arrived.Query().Get("error"))
	assert.Equal(t, request.State, b.Arrived.Query().Get("state"))
	assert.Equal(t, s.URL, b.Arrived.Query().Get("iss"))

	wrong := a.Config
	wrong.RedirectURL += "x"
	b.Open(wrong.AuthCodeURL("state-state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	assert.Nil(t, b.Arrived, "an unproved redirect URI must not be followed")
	assert.Equal(t, http.StatusBadRequest, b.Status)
}

// thePages is the registration as a person in a browser does it.
func thePages(t *testing.T, s *system.System) {
	b := system.NewBrowser(t, "")
	b.Open(s.URL + "/register")
	b.Submit("/register", url.Values{"first_name": {"Grace"}, "last_name": {"Hopper"}, "email": {s.Address("grace")}})
	require.Equal(t, http.StatusOK, b.Status)
	link := s.URL + "/link/" + s.AwaitLink(t, s.Address("grace"))
	b.Open(link)
	b.Open(link) // opening it uses nothing up
	b.Submit("/link", nil)
	require.Equal(t, http.StatusOK, b.Status, b.Page.Text())
	b.Submit("/activation", url.Values{"name": {"Navy"}, "password": {"short"}, "password_confirmation": {"short"}, "terms": {"true"}})
	require.Equal(t, http.StatusUnprocessableEntity, b.Status)
	const password = "a nanosecond of wire"
	b.Submit("/activation", url.Values{"name": {"Navy"}, "password": {password}, "password_confirmation": {password}, "terms": {"true"}})
	require.Equal(t, http.StatusOK, b.Status, b.Page.Text())
	assert.Contains(t, b.Page.Text(), "Grace Hopper")
	b.Submit("/logout", nil)
	assert.NotContains(t, b.Page.Text(), "Grace Hopper")
}
