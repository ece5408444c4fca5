package system

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// AppOrigin is where the app under test would be. Nobody listens there: the
// browser stops before it.
const AppOrigin = "https://app.example.org"

// App is a relying party built from other people's libraries.
type App struct {
	t        testing.TB
	Config   oauth2.Config
	Provider *oidc.Provider
	Secret   string
}

// NewApp registers an app with the operator's command line and lets it discover
// the provider. The arguments go to `gatehouse client create`.
func NewApp(t testing.TB, s *System, args ...string) *App {
	t.Helper()
	if !slices.Contains(args, "--grant") {
		args = append(args, "--scope", "openid,profile,email,hub,offline_access")
	}
	out := s.Operate(t, append([]string{"client", "create", "--name", "Test app", "--redirect-uri", AppOrigin + "/callback"}, args...)...)
	var created struct {
		Client struct {
			ID     string   `json:"client_id"`
			Scopes []string `json:"scopes"`
		} `json:"client"`
		Secret string `json:"client_secret"`
	}
	require.NoError(t, json.Unmarshal(out, &created), "%s", out)
	return AppOf(t, s, created.Client.ID, created.Secret)
}

// AppOf is the app of a client that is registered already, with the redirect URI
// /callback at AppOrigin.
func AppOf(t testing.TB, s *System, id, secret string) *App {
	t.Helper()
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(t.Context()), HTTP()), s.URL)
	require.NoError(t, err)
	return &App{
		t: t, Provider: provider, Secret: secret,
		Config: oauth2.Config{
			ClientID: id, ClientSecret: secret,
			Endpoint: provider.Endpoint(), RedirectURL: AppOrigin + "/callback",
			Scopes: []string{"openid", "profile", "email", "hub", "offline_access"},
		},
	}
}

// Request is one sign-in that the app has started.
type Request struct {
	State, Nonce, Verifier string
	URL                    string
}

// Start begins a sign-in with PKCE, state and nonce.
func (a *App) Start(options ...oauth2.AuthCodeOption) Request {
	r := Request{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
	options = append([]oauth2.AuthCodeOption{oidc.Nonce(r.Nonce), oauth2.S256ChallengeOption(r.Verifier)}, options...)
	r.URL = a.Config.AuthCodeURL(r.State, options...)
	return r
}

// Finish takes the answer that arrived at the app to tokens and verified claims.
func (a *App) Finish(r Request, arrived *url.URL) (*oauth2.Token, *oidc.IDToken) {
	a.t.Helper()
	token, err := a.Exchange(r, arrived)
	require.NoError(a.t, err)
	return token, a.Verify(token, r.Nonce)
}

// Exchange checks the answer and redeems its code.
func (a *App) Exchange(r Request, arrived *url.URL) (*oauth2.Token, error) {
	a.t.Helper()
	require.NotNil(a.t, arrived, "the browser did not come back to the app")
	answer := arrived.Query()
	require.Empty(a.t, answer.Get("error"), "%s", arrived)
	require.Equal(a.t, r.State, answer.Get("state"))
	require.NotEmpty(a.t, answer.Get("iss"))
	return a.Config.Exchange(a.Context(), answer.Get("code"), oauth2.VerifierOption(r.Verifier))
}

// Verify checks the ID token and its nonce.
func (a *App) Verify(token *oauth2.Token, nonce string) *oidc.IDToken {
	a.t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := a.Provider.Verifier(&oidc.Config{ClientID: a.Config.ClientID}).Verify(a.Context(), raw)
	require.NoError(a.t, err)
	if nonce != "" {
		require.Equal(a.t, nonce, id.Nonce)
	}
	return id
}

// Context carries the HTTP client that the libraries shall use.
func (a *App) Context() context.Context { return oidc.ClientContext(a.t.Context(), HTTP()) }
