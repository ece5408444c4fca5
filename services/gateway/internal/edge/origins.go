package edge

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rs/cors"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// corsPolicy says which other origins may read answers.
type corsPolicy struct{ *cors.Cors }

// apiCORS is the policy of the JSON API; nil if no other origin may call it.
func apiCORS(origins []string) *corsPolicy {
	if len(origins) == 0 {
		return nil // rs/cors takes an empty list for every origin
	}
	return &corsPolicy{cors.New(cors.Options{
		AllowedOrigins: origins,
		// Credentials are a named origin's only: with the wildcard every page
		// there is would act for the user.
		AllowCredentials: !slices.Contains(origins, "*"),
		AllowedMethods: []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		},
		AllowedHeaders: []string{
			"Authorization", "Content-Type", "Content-Language", "Accept-Language", "If-Match", "If-None-Match", headerRequestID,
		},
		ExposedHeaders: []string{
			"Content-Disposition", "Content-Language", "ETag", "Link", "Retry-After", "WWW-Authenticate", headerLimit, headerRemaining, headerRequestID,
		},
		MaxAge:             600, // seconds
		OptionsPassthrough: true,
	})}
}

// openCORS lets every origin call by the methods, without credentials.
func openCORS(methods ...string) *corsPolicy {
	return &corsPolicy{cors.New(cors.Options{
		AllowedOrigins: []string{"*"},
		AllowedMethods: methods,
		AllowedHeaders: []string{"Authorization", "Content-Type", "Accept", "DPoP", headerRequestID},
		ExposedHeaders: []string{"Retry-After", "WWW-Authenticate", "DPoP-Nonce", headerRequestID},
		MaxAge:         3600, // seconds
	})}
}

// preflight tells whether a browser asks the policy before the actual request.
func (p *corsPolicy) preflight(r *http.Request) bool {
	return p != nil && r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// shareWith applies the policy, if there is one.
func (e *Edge) shareWith(p *corsPolicy) Middleware {
	return func(next http.Handler) http.Handler {
		if p == nil {
			return next
		}
		return p.Handler(next)
	}
}

// trusting lets requests of the same origin pass and of the ones named. "*" names
// none: what every origin may do needs no cookie.
func trusting(origins ...string) (*http.CrossOriginProtection, error) {
	site := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if origin == "*" {
			continue
		}
		if err := site.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("gateway: %q is not an origin: %w", origin, err)
		}
	}
	return site, nil
}

func originOf(o Options) string { return o.PublicURL.Scheme + "://" + o.PublicURL.Host }

// cookieOnly protects what a browser's cookie proves. A bearer token is proof
// of intent in itself: no browser sends one unasked.
func cookieOnly(r *http.Request) bool { return of(r.Context()).credential.cookie }

// identityEndpoint is below where upstream providers send people back to.
const identityEndpoint = "/login/identity/"

// withoutForeignPosts protects all pages but those that others may post to:
// relying parties their requests (OpenID Connect Core section 3.1.2.1, RP-Initiated
// Logout section 2), which do nothing that their user has not agreed to, and
// upstream providers their answers (OAuth 2.0 Form Post Response Mode), which
// count only with the cookie and the state of their beginning.
func withoutForeignPosts(r *http.Request) bool {
	path := r.URL.Path
	return path != authorizationEndpoint && path != endSessionEndpoint && !strings.HasPrefix(path, identityEndpoint)
}

// onlyFrom refuses requests that another site than the trusted ones made the
// browser send and that change something.
func onlyFrom(trusted *http.CrossOriginProtection, fail FailFunc, protects func(*http.Request) bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if protects(r) {
				if err := trusted.Check(r); err != nil {
					fail(w, r, fault.New(fault.Forbidden, "").Because(err))
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}
