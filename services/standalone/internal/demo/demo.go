// Package demo is a small relying party: an app that signs people in through
// Gatehouse and shows what it got. It uses nothing of Gatehouse but the issuer
// address, so it doubles as an example of the integration guide.
package demo

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

//go:embed pages
var pages embed.FS

// Options configure the demo app.
type Options struct {
	Issuer    string // of the OpenID provider
	PublicURL string // of this app, without a trailing slash
	ClientID  string // of a public client with PublicURL + "/callback"
	Client    *http.Client
	Logger    *slog.Logger
}

// App is the relying party.
type App struct {
	options  Options
	template *template.Template
	visitors *visitors

	mu       sync.Mutex
	provider *oidc.Provider
}

// New makes the app. It does not reach for the provider until somebody signs
// in, so the two may start in any order.
func New(o Options) (*App, error) {
	t, err := template.ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the demo pages: %w", err)
	}
	return &App{options: o, template: t, visitors: newVisitors()}, nil
}

// Handler serves the app.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /refresh", a.refresh)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pages, "pages/style.css")
	})
	return http.NewCrossOriginProtection().Handler(headers(mux))
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	v := a.visitors.of(r)
	if v == nil || v.view == nil {
		a.render(w, http.StatusOK, "home.html", nil)
		return
	}
	a.render(w, http.StatusOK, "signed_in.html", v.view)
}

// login starts the authorization code flow with PKCE, state and nonce.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	config, _, err := a.discover(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The provider cannot be reached.", err)
		return
	}
	v := &visitor{state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
	a.visitors.set(w, v)
	http.Redirect(w, r, config.AuthCodeURL(v.state, oidc.Nonce(v.nonce), oauth2.S256ChallengeOption(v.verifier)), http.StatusSeeOther)
}

func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	v := a.visitors.of(r)
	query := r.URL.Query()
	if v == nil || v.state == "" || query.Get("state") != v.state {
		a.fail(w, r, http.StatusBadRequest, "This answer belongs to no sign-in of this browser.", nil)
		return
	}
	config, provider, err := a.discover(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The provider cannot be reached.", err)
		return
	}
	if iss := query.Get("iss"); iss != a.options.Issuer { // RFC 9207
		a.fail(w, r, http.StatusBadRequest, "This answer is from another provider.", nil)
		return
	}
	if code := query.Get("error"); code != "" {
		a.fail(w, r, http.StatusForbidden, "The provider said: "+code+".", nil)
		return
	}
	token, err := config.Exchange(a.context(r.Context()), query.Get("code"), oauth2.VerifierOption(v.verifier))
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The code could not be exchanged.", err)
		return
	}
	next, err := a.signedIn(r.Context(), provider, token, v.nonce)
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The tokens could not be verified.", err)
		return
	}
	a.visitors.drop(r)
	a.visitors.set(w, next)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signedIn verifies the ID token and asks UserInfo.
func (a *App) signedIn(ctx context.Context, p *oidc.Provider, token *oauth2.Token, nonce string) (*visitor, error) {
	raw, _ := token.Extra("id_token").(string)
	ctx = a.context(ctx)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: a.options.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verifying the ID token: %w", err)
	}
	if nonce != "" && id.Nonce != nonce {
		return nil, fmt.Errorf("the ID token has another nonce")
	}
	var claims, info map[string]any
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("reading the ID token: %w", err)
	}
	user, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("asking UserInfo: %w", err)
	}
	if user.Subject != id.Subject { // OIDC Core section 5.3.2
		return nil, fmt.Errorf("UserInfo is about somebody else")
	}
	if err := user.Claims(&info); err != nil {
		return nil, fmt.Errorf("reading UserInfo: %w", err)
	}
	view := &view{
		Name: name(info), IDToken: indent(claims), UserInfo: indent(info),
		Expiry: token.Expiry.UTC().Format(time.RFC3339), Refreshable: token.RefreshToken != "",
	}
	return &visitor{token: token, view: view}, nil
}

// refresh uses the refresh token, which the provider rotates.
func (a *App) refresh(w http.ResponseWriter, r *http.Request) {
	v := a.visitors.of(r)
	if v == nil || v.token == nil || v.token.RefreshToken == "" {
		a.fail(w, r, http.StatusBadRequest, "There is nothing to refresh.", nil)
		return
	}
	config, provider, err := a.discover(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The provider cannot be reached.", err)
		return
	}
	token, err := config.TokenSource(a.context(r.Context()), &oauth2.Token{RefreshToken: v.token.RefreshToken}).Token()
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The refresh was refused.", err)
		return
	}
	next, err := a.signedIn(r.Context(), provider, token, "")
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "The tokens could not be verified.", err)
		return
	}
	next.view.Refreshes = v.view.Refreshes + 1
	a.visitors.drop(r)
	a.visitors.set(w, next)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	a.visitors.drop(r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// discover reads the provider's metadata, once it can be had.
func (a *App) discover(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.provider == nil {
		// The provider keeps this context for its key fetches; it must outlive
		// the request that happened to come first.
		p, err := oidc.NewProvider(context.WithoutCancel(a.context(ctx)), a.options.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("discovering the provider: %w", err)
		}
		a.provider = p
	}
	return &oauth2.Config{
		ClientID:    a.options.ClientID,
		Endpoint:    a.provider.Endpoint(),
		RedirectURL: a.options.PublicURL + "/callback",
		Scopes:      []string{oidc.ScopeOpenID, "profile", "email", "hub", oidc.ScopeOfflineAccess},
	}, a.provider, nil
}

func (a *App) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, a.options.Client)
}

func (a *App) fail(w http.ResponseWriter, r *http.Request, status int, message string, err error) {
	if err != nil {
		a.options.Logger.LogAttrs(r.Context(), slog.LevelWarn, "demo app", slog.String("error", err.Error()))
	}
	a.render(w, status, "failed.html", message)
}

func (a *App) render(w http.ResponseWriter, status int, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := a.template.ExecuteTemplate(w, page, data); err != nil {
		a.options.Logger.Error("rendering a demo page", "page", page, "error", err)
	}
}

func name(info map[string]any) string {
	if s, ok := info["name"].(string); ok && s != "" {
		return s
	}
	s, _ := info["email"].(string)
	return s
}

func indent(claims map[string]any) string {
	b, err := json.MarshalIndent(claims, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
