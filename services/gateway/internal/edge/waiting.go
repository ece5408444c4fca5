package edge

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
)

const (
	// authorizationEndpoint is where relying parties send people (RFC 6749 section
	// 3.1).
	authorizationEndpoint = "/oauth2/authorize"
	// endSessionEndpoint is where they send people who sign out.
	endSessionEndpoint = "/oauth2/logout"
	// deviceEndpoint is where devices ask for people (RFC 8628 section 3.1).
	deviceEndpoint = "/oauth2/device_authorization"
	// pushEndpoint is where relying parties push their requests (RFC 9126 section
	// 2.1).
	pushEndpoint = "/oauth2/par"
	// registrationEndpoint is where clients register (RFC 7591 section 3).
	registrationEndpoint = "/oauth2/register"
)

// limitAuthorizations holds an address to its quota of authorization requests:
// one that has to wait for its user is stored, whoever made it.
func (e *Edge) limitAuthorizations(fail FailFunc) Middleware {
	return e.limit(fail, e.authorizations, "authorization", func(r *http.Request) bool {
		switch r.URL.Path {
		case authorizationEndpoint, deviceEndpoint:
			return true
		case pushEndpoint:
			return r.Method == http.MethodPost && !claimsToAuthenticate(r)
		}
		return false
	})
}

// limitRegistrations holds an address to its quota of clients that it registers
// without a token, which anybody may where registration is open. A token that is
// not good is a failure like others.
func (e *Edge) limitRegistrations(fail FailFunc) Middleware {
	return e.limit(fail, e.registrations, "registration", func(r *http.Request) bool {
		return r.Method == http.MethodPost && r.URL.Path == registrationEndpoint && r.Header.Get("Authorization") == ""
	})
}

// limit holds an address to a quota of what counts.
func (e *Edge) limit(fail FailFunc, quota Limiter, name string, counts func(*http.Request) bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if counts(r) {
				if _, err := e.charge(r.Context(), quota, name, of(r.Context()).client); err != nil {
					fail(w, r, err)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// maxForm bounds what is looked at of a form, in bytes; the service behind takes
// no longer one.
const maxForm = 64 << 10

// claimsToAuthenticate tells whether a request brings along what a client
// authenticates with, by header or in its form. Whether that is right the service
// finds out, and what is wrong counts as a failure: so what passes here and
// succeeds is from a client that has authenticated, and whose server calls for all
// of its users from one address. A certificate does not count, as anybody can
// bring one.
func claimsToAuthenticate(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxForm))
	r.Body = &peeked{Reader: io.MultiReader(bytes.NewReader(head), r.Body), Closer: r.Body}
	if err != nil {
		return false
	}
	form, _ := url.ParseQuery(string(head)) // with what can be read of it
	return form.Get("client_secret") != "" || form.Get("client_assertion") != ""
}

// peeked is a body of which the beginning was read before.
type peeked struct {
	io.Reader
	io.Closer
}
