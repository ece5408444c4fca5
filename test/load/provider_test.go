package load_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/node"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// provider is an OpenID provider to measure, with a client of its own and the
// tokens of a user.
type provider struct {
	ID      string `json:"client_id"`
	Secret  string `json:"client_secret"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Issuer  string `json:"issuer"`

	Token         string `json:"token_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	UserInfo      string `json:"userinfo_endpoint"`
	Keys          string `json:"jwks_uri"`

	// person is who has signed in, at Gatehouse.
	person system.Person
	// code makes an authorization code and its verifier; nil where nobody can
	// sign in.
	code func(b *testing.B) url.Values
}

// compare runs the benchmark on Gatehouse with both databases, and on the npm
// package oidc-provider, which keeps everything in memory.
func compare(b *testing.B, run func(b *testing.B, p *provider)) {
	b.Helper()
	each(b, func(b *testing.B, s *system.System) { run(b, gatehouse(b, s)) })
	b.Run("oidc-provider", func(b *testing.B) {
		p := &provider{}
		node.Start(b, nil, "peer.mjs").Read(p)
		p.discover(b)
		run(b, p)
	})
}

// gatehouse is Gatehouse with a signed in user.
func gatehouse(b *testing.B, s *system.System) *provider {
	b.Helper()
	person, _ := s.Register(b, "load@example.org")
	app := system.NewApp(b, s, "--grant", "authorization_code,refresh_token,client_credentials",
		"--scope", "openid,profile,email,hub,offline_access")
	browser := system.NewBrowser(b, app.Config.RedirectURL)
	request := app.Start()
	browser.Open(request.URL)
	browser.Submit("/login", url.Values{"user": {person.Email}, "password": {person.Password}})
	browser.Submit("/consent", url.Values{"decision": {"allow"}})
	token, _ := app.Finish(request, browser.Arrived)
	p := &provider{
		ID: app.Config.ClientID, Secret: app.Secret, Issuer: s.URL, Access: token.AccessToken, Refresh: token.RefreshToken,
		person: person,
		code: func(b *testing.B) url.Values {
			b.Helper()
			request := app.Start()
			browser.Open(request.URL)
			require.NotNil(b, browser.Arrived)
			return url.Values{
				"grant_type": {"authorization_code"}, "code": {browser.Arrived.Query().Get("code")},
				"redirect_uri": {app.Config.RedirectURL}, "code_verifier": {request.Verifier},
			}
		},
	}
	p.discover(b)
	return p
}

func (p *provider) discover(b *testing.B) {
	b.Helper()
	found, err := oidc.NewProvider(oidc.ClientContext(b.Context(), client), p.Issuer)
	require.NoError(b, err)
	require.NoError(b, found.Claims(p))
}

func (p *provider) post(b *testing.B, address string, form url.Values) *http.Request {
	b.Helper()
	r := newRequest(b, http.MethodPost, address, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(p.ID), url.QueryEscape(p.Secret))
	return r
}

// BenchmarkClientCredentials is a token for a machine.
func BenchmarkClientCredentials(b *testing.B) {
	compare(b, func(b *testing.B, p *provider) {
		parallel(b, func() *http.Request { return p.post(b, p.Token, url.Values{"grant_type": {"client_credentials"}}) })
	})
}

// BenchmarkIntrospection is RFC 7662.
func BenchmarkIntrospection(b *testing.B) {
	compare(b, func(b *testing.B, p *provider) {
		parallel(b, func() *http.Request { return p.post(b, p.Introspection, url.Values{"token": {p.Access}}) })
	})
}

// BenchmarkUserInfo is OpenID Connect Core 1.0 section 5.3.
func BenchmarkUserInfo(b *testing.B) {
	compare(b, func(b *testing.B, p *provider) {
		parallel(b, func() *http.Request {
			r := newRequest(b, http.MethodGet, p.UserInfo, "")
			r.Header.Set("Authorization", "Bearer "+p.Access)
			return r
		})
	})
}

// BenchmarkKeys is the key set.
func BenchmarkKeys(b *testing.B) {
	compare(b, func(b *testing.B, p *provider) {
		parallel(b, func() *http.Request { return newRequest(b, http.MethodGet, p.Keys, "") })
	})
}

// BenchmarkRefresh rotates refresh tokens, one after the other: a family is one
// client's, which waits for its answer.
func BenchmarkRefresh(b *testing.B) {
	compare(b, func(b *testing.B, p *provider) {
		refresh := p.Refresh
		for b.Loop() {
			answer := do(b, p.post(b, p.Token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}))
			refresh, _ = answer["refresh_token"].(string)
		}
		perSecond(b)
	})
}

// BenchmarkCode is an authorization request of somebody who is signed in, and
// the exchange of its code.
func BenchmarkCode(b *testing.B) {
	each(b, func(b *testing.B, s *system.System) {
		p := gatehouse(b, s)
		for b.Loop() {
			do(b, p.post(b, p.Token, p.code(b)))
		}
		perSecond(b)
	})
}
