package edge

import (
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
)

// maxToken bounds what is taken for a token, in bytes. Real ones are about 700.
const maxToken = 4096

// credential is the proof a request carries.
type credential struct {
	token  string
	cookie bool // it came as a cookie, which a browser sends unasked
}

// credentialOf takes the bearer token (RFC 6750 section 2.1), else the session
// cookie. A request with both is the bearer's.
func (e *Edge) credentialOf(r *http.Request) credential {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return credential{token: strings.TrimSpace(token)}
	}
	if c, err := r.Cookie(e.cookieName()); err == nil && c.Value != "" {
		return credential{token: c.Value, cookie: true}
	}
	return credential{}
}

// looksLikeToken spares the sessions service what cannot be a JWT in compact
// form (RFC 7515 section 3.1).
func looksLikeToken(t string) bool {
	if t == "" || len(t) > maxToken || strings.Count(t, ".") != 2 {
		return false
	}
	for _, c := range []byte(t) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// Names of the session cookie. A browser accepts the prefix only with Secure,
// Path=/ and no Domain (RFC 6265bis section 4.1.3.2), so no neighbouring host
// can plant one; over plain HTTP on this machine it has to do without.
const (
	cookieName      = "__Host-gatehouse_session"
	localCookieName = "gatehouse_session"
)

func (e *Edge) cookieName() string {
	if e.plainLocal() {
		return localCookieName
	}
	return cookieName
}

func (e *Edge) plainLocal() bool {
	return e.options.PublicURL.Scheme == "http" && LocalHost(e.options.PublicURL.Hostname())
}

// LocalHost tells whether the name means this machine, where TLS is not needed.
func LocalHost(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// SetSession gives the browser the session's token as a cookie. It outlives the
// browser only if the user asked to be remembered.
func (e *Edge) SetSession(w http.ResponseWriter, t sessions.Token) {
	maxAge := 0
	if t.Session.Remember {
		maxAge = max(int(t.ExpirationTime.Sub(e.Now())/time.Second), 1)
	}
	e.setCookie(w, t.Token, maxAge)
}

// ClearSession takes the cookie away.
func (e *Edge) ClearSession(w http.ResponseWriter) { e.setCookie(w, "", -1) }

func (e *Edge) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: Secure is left out only where there is no TLS, on this machine.
		Name:     e.cookieName(),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   !e.plainLocal(),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}
