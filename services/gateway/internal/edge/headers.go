package edge

import (
	"net/http"
	"strings"
)

// apiPolicy is the content security policy of what is not a page.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// picturePolicy is the one of what came from a user: it does nothing even where
// it is opened by itself.
const picturePolicy = apiPolicy + "; sandbox"

// PagePolicy is the content security policy of hosted pages: everything from
// this origin, nothing inline, no frames around it. A page whose form may end
// in a redirect to another origin names that origin, because browsers hold
// form-action against the redirects of a submitted form too.
func PagePolicy(formTargets ...string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:",
		"font-src 'self'",
		"connect-src 'self'",
		"manifest-src 'self'",
		"form-action " + strings.Join(append([]string{"'self'"}, formTargets...), " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// permissionsPolicy switches off what no page here uses.
const permissionsPolicy = "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), " +
	"gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"

// secure sets the headers that keep browsers from doing harm with an answer. A
// handler may replace the policy by one of its own.
func (e *Edge) secure(policy string) Middleware {
	transport := e.options.PublicURL.Scheme == "https"
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			// Links here are secrets, so no other origin may see them. This
			// origin may: without it browsers send "Origin: null" with a form.
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Permissions-Policy", permissionsPolicy)
			// No Cross-Origin-Opener-Policy: an app may open the login in a
			// popup and wait for it to come back to its own origin.
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			if transport {
				h.Set("Strict-Transport-Security", "max-age=63072000")
			}
			next.ServeHTTP(w, r)
		})
	}
}
