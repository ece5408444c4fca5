package flow_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// logouts is the back-channel logout endpoint of an app.
type logouts struct {
	mu     sync.Mutex
	tokens []string
}

func (l *logouts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, r.PostFormValue("logout_token"))
	w.WriteHeader(http.StatusNoContent)
}

func (l *logouts) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	tokens := l.tokens
	l.tokens = nil
	return tokens
}

// TestAppsHearOfTheEndOfSessions ends sessions in ways that different services
// know of; the app hears of each, and what it got ends or stays.
func TestAppsHearOfTheEndOfSessions(t *testing.T) { //nolint:tparallel // one way after the other, so that it is clear which is heard of
	t.Parallel()
	s := system.Standalone(t)
	heard := &logouts{}
	server := httptest.NewServer(heard)
	t.Cleanup(server.Close)
	a := system.NewApp(t, s, "--backchannel-logout-uri", server.URL+"/logout",
		"--post-logout-redirect-uri", "https://app.example.org/bye", "--frontchannel-logout-uri", "https://app.example.org/frame")
	owner, _ := s.Register(t, "owner@example.org")

	for _, way := range []struct {
		name    string
		offline bool // whether what is for when the user is away stays
		end     func(t *testing.T, b *system.Browser, p system.Person, session, hint string)
	}{
		{"the app asks for it", true, func(t *testing.T, b *system.Browser, _ system.Person, session, hint string) {
			b.Open(s.URL + "/oauth2/logout?" + url.Values{
				"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://app.example.org/bye"}, "state": {"s"},
			}.Encode())
			require.Equal(t, http.StatusOK, b.Status)
			frame, _ := b.Page.Find("iframe").Attr("src")
			assert.Equal(t, "https://app.example.org/frame", frame)
			next, _ := b.Page.Find("a.button").Attr("href")
			assert.Equal(t, "https://app.example.org/bye?state=s", next)
		}},
		{"the account page", true, func(_ *testing.T, b *system.Browser, _ system.Person, _, _ string) {
			b.Open(s.URL + "/")
			b.Submit("/logout", nil)
		}},
		{"another session of the user", true, func(t *testing.T, _ *system.Browser, p system.Person, session, _ string) {
			res := s.Call(t, http.MethodDelete, "/v1/session/"+session, s.LogIn(t, p).Token, nil)
			require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		}},
		{"removal from the hub", false, func(t *testing.T, _ *system.Browser, p system.Person, _, _ string) {
			res := s.Call(t, http.MethodDelete, "/v1/user/"+p.Hash, s.LogIn(t, owner).Token, nil)
			require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		}},
	} {
		p := s.Invited(t, s.LogIn(t, owner).Token, "u"+oauth2.GenerateVerifier()[:8]+"@example.org")
		t.Run(way.name, func(t *testing.T) {
			b := system.NewBrowser(t, a.Config.RedirectURL)
			request := a.Start()
			signIn(t, b, request, p)
			offline, id := a.Finish(request, b.Arrived)
			var claims struct {
				Session string `json:"sid"`
			}
			require.NoError(t, id.Claims(&claims))
			short := a.Start(oauth2.SetAuthURLParam("scope", "openid"))
			b.Open(short.URL)
			require.NotNil(t, b.Arrived, "%s", b.Page.Text())
			online, err := a.Exchange(short, b.Arrived)
			require.NoError(t, err)
			heard.take()

			hint, _ := offline.Extra("id_token").(string)
			way.end(t, b, p, claims.Session, hint)
			var token string
			system.Eventually(t, "the app to hear of it", func() bool {
				for _, token = range heard.take() {
					return true
				}
				return false
			})
			verifyLogout(t, a, token, id.Subject, claims.Session)
			system.Eventually(t, "the grants to end", func() bool {
				_, err := a.Provider.UserInfo(a.Context(), oauth2.StaticTokenSource(online))
				return err != nil
			})
			_, err = a.Config.TokenSource(a.Context(), &oauth2.Token{RefreshToken: offline.RefreshToken}).Token()
			assert.Equal(t, way.offline, err == nil, "%v", err)
			assert.Empty(t, heard.take(), "once is enough")
		})
	}
}

// verifyLogout is what an app does with a logout token (Back-Channel Logout 1.0
// section 2.6).
func verifyLogout(t *testing.T, a *system.App, raw, subject, session string) {
	t.Helper()
	token, err := a.Provider.Verifier(&oidc.Config{ClientID: a.Config.ClientID}).Verify(a.Context(), raw)
	require.NoError(t, err)
	var claims struct {
		Session string                    `json:"sid"`
		Events  map[string]map[string]any `json:"events"`
		Nonce   *string                   `json:"nonce"`
	}
	require.NoError(t, token.Claims(&claims))
	assert.Equal(t, subject, token.Subject)
	assert.Equal(t, session, claims.Session)
	assert.Contains(t, claims.Events, "http://schemas.openid.net/event/backchannel-logout")
	assert.Nil(t, claims.Nonce)
	assert.WithinDuration(t, time.Now(), token.IssuedAt, time.Minute)
}
