package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// benchmark runs the work on both databases, without a log or traces.
func benchmark(b *testing.B, run func(b *testing.B, h *harness, c oauth.CreatedClient)) {
	b.Helper()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		b.Run(dialect, func(b *testing.B) {
			h := newHarness(b, testkit.OpenDB(b, dialect, oauth.Name, Migrations))
			h.obs = obs.Nop()
			h.restart()
			c := h.web()
			b.ReportAllocs()
			b.ResetTimer()
			run(b, h, c)
		})
	}
}

func (h *harness) mustDo(b *testing.B, r *http.Request) answer {
	b.Helper()
	a := h.do(r)
	if a.status != http.StatusOK {
		b.Fatal(a.status, a.body)
	}
	return a
}

func BenchmarkClientCredentials(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, c oauth.CreatedClient) {
		b.Helper()
		for b.Loop() {
			h.mustDo(b, as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {testScope}}))
		}
	})
}

func BenchmarkCodeExchange(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, c oauth.CreatedClient) {
		b.Helper()
		for b.Loop() {
			h.mustDo(b, as(c, "/oauth2/token", codeForm(h.code(c)))) // and the authorization request
		}
	})
}

func BenchmarkRefresh(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, c oauth.CreatedClient) {
		b.Helper()
		token := h.tokens(c).text("refresh_token")
		for b.Loop() {
			a := h.mustDo(b, as(c, "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}))
			token = a.text("refresh_token")
		}
	})
}

func BenchmarkTokenExchange(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, _ oauth.CreatedClient) {
		b.Helper()
		subject, api := h.granted(h.shop(), "resource", ordersAPI).text("access_token"), h.orders()
		b.ResetTimer()
		for b.Loop() {
			h.mustDo(b, as(api, "/oauth2/token", exchangeForm(subject, "resource", billingAPI)))
		}
	})
}

// formats are those of access tokens, by the algorithm of the JWT.
var formats = map[string]func(*oauth.CreateClientRequest){
	"opaque": func(*oauth.CreateClientRequest) {}, "RS256": signs("RS256"), "ES256": signs("ES256"), "EdDSA": signs("EdDSA"),
}

func BenchmarkAccessTokenFormats(b *testing.B) {
	for name, format := range formats {
		b.Run(name, func(b *testing.B) {
			benchmark(b, func(b *testing.B, h *harness, _ oauth.CreatedClient) {
				b.Helper()
				c := h.web(format)
				for b.Loop() {
					h.mustDo(b, as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {testScope}}))
				}
			})
		})
	}
}

func BenchmarkIntrospection(b *testing.B) {
	for name, format := range formats {
		b.Run(name, func(b *testing.B) {
			benchmark(b, func(b *testing.B, h *harness, _ oauth.CreatedClient) {
				b.Helper()
				c := h.web(format)
				token := h.tokens(c).text("access_token")
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						h.mustDo(b, as(c, "/oauth2/introspect", url.Values{"token": {token}}))
					}
				})
			})
		})
	}
}

func BenchmarkKeySet(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, _ oauth.CreatedClient) {
		b.Helper()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				h.mustDo(b, httptest.NewRequest(http.MethodGet, "/oauth2/jwks", http.NoBody))
			}
		})
	})
}

func BenchmarkUserInfo(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, c oauth.CreatedClient) {
		b.Helper()
		token := h.tokens(c).text("access_token")
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", http.NoBody)
				r.Header.Set("Authorization", "Bearer "+token)
				h.mustDo(b, r)
			}
		})
	})
}

// The usual authorization request: logged in, and allowed before. It writes in
// one transaction.
func BenchmarkAuthorize(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, _ oauth.CreatedClient) {
		b.Helper()
		c := h.web(thirdParty)
		redirected(b, h.resume(h.authorize(form(c), h.login()).Consent.ID, h.login(), allow))
		f, login := form(c), h.login()
		for b.Loop() {
			if h.authorize(f, login).Redirect == "" {
				b.Fatal("no code")
			}
		}
	})
}

func BenchmarkPushedAuthorize(b *testing.B) {
	benchmark(b, func(b *testing.B, h *harness, c oauth.CreatedClient) {
		b.Helper()
		for b.Loop() {
			if h.authorize(opens(c, h.push(c, form(c))), h.login()).Redirect == "" {
				b.Fatal("no code")
			}
		}
	})
}
