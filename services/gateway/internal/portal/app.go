package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// LogoPath is where the logos of apps are, by the hashes of their clients. They are
// ours to show: the browser asks no site of an app before its user has decided.
const LogoPath = "/logo/"

// logoAge is how long a browser keeps a logo, in seconds. An app that changes the
// address of its logo has another address here, too.
const logoAge = "3600"

// about is what an app says of itself (OpenID Connect Dynamic Client Registration
// 1.0 section 2), for pages that ask about it.
type about struct {
	Logo  string // a path of ours; empty: it has none
	Links []appLink
	// Unvetted tells that nobody has had a look at any of it.
	Unvetted bool
}

// appLink leads to a page of an app, and says whose site that is on.
type appLink struct{ Text, Address, Host string }

// about is about the app. An address that is not https, as in development, is not
// shown, and one nobody has vetted has no logo: it would be trusted for it.
func (v *visit) about(c oauth.Client) about {
	a := about{Unvetted: !c.Vetted}
	if c.LogoURI != "" && c.Vetted {
		a.Logo = logoOf(c)
	}
	for _, link := range []struct{ text, address string }{
		{"page.app.site", c.ClientURI}, {"page.app.policy", c.PolicyURI}, {"page.app.terms", c.TermsURI},
	} {
		u, err := url.Parse(link.address)
		if err != nil || u.Scheme != "https" || u.User != nil || !plainHost(u.Host) {
			continue
		}
		a.Links = append(a.Links, appLink{Text: v.text(link.text), Address: u.String(), Host: u.Host})
	}
	return a
}

func logoOf(c oauth.Client) string {
	address := sha256.Sum256([]byte(c.LogoURI))
	return with(LogoPath+c.Hash, "v", hex.EncodeToString(address[:8]))
}

// Logo is GET /logo/{client}: the bytes.
func (p *Portal) Logo() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logo, err := p.deps.OAuth.Logo(r.Context(), oauth.LogoRequest{Client: r.PathValue("client")})
		if err != nil {
			p.Fail(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", logo.MIME)
		h.Set("Cache-Control", "public, max-age="+logoAge)
		h.Set("X-Robots-Tag", "noindex")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(logo.Data))
	})
}
