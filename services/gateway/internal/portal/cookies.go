package portal

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// Names of the cookies, without the prefix that HTTPS gives them. The session's
// is the edge's; here it is only looked for.
const (
	sessionCookie       = "gatehouse_session"
	languageCookie      = "gatehouse_language"
	activationCookie    = "gatehouse_activation"
	authorizationCookie = "gatehouse_authorization"
	challengeCookie     = "gatehouse_challenge"
	identityCookie      = "gatehouse_identity"
)

// cookies keeps small things in the browser. Whatever comes back is input like
// a form's: nothing may rest on its being true.
type cookies struct {
	prefix string
	secure bool
}

// newCookies makes them like the session's: a browser accepts the prefix only
// with Secure, Path=/ and no Domain (RFC 6265bis section 4.1.3.2).
func newCookies(public *url.URL) cookies {
	if public.Scheme == "http" && edge.LocalHost(public.Hostname()) {
		return cookies{}
	}
	return cookies{prefix: "__Host-", secure: true}
}

func (c cookies) get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.prefix + name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c cookies) set(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, c.cookie(name, value, int(age/time.Second)))
}

func (c cookies) clear(w http.ResponseWriter, r *http.Request, name string) {
	if c.get(r, name) != "" {
		http.SetCookie(w, c.cookie(name, "", -1))
	}
}

func (c cookies) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: not Secure only where the pages are served by plain HTTP on this machine.
		Name:     c.prefix + name,
		Value:    value,
		Path:     "/",
		MaxAge:   age,
		Secure:   c.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// pack and unpack carry a value through a cookie.
func pack(value any) (string, error) {
	text, err := json.Marshal(value)
	return base64.RawURLEncoding.EncodeToString(text), err
}

func unpack(s string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && json.Unmarshal(text, into) == nil
}
