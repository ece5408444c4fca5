package portal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// presented is an app that says all it can of itself.
func presented(c *oauth.Client) {
	c.Vetted = true
	c.Hash = strings.Repeat("c", 40)
	c.ClientURI, c.LogoURI = "https://rota.example.net", "https://cdn.example.net/logo.png"
	c.PolicyURI, c.TermsURI = "https://rota.example.net/privacy?a=1&b=2", "https://xn--exmple-cua.example:8443/terms"
}

// outward are the links of a page that lead elsewhere.
func (a answer) outward() (addresses []string) {
	a.t.Helper()
	for _, link := range elements(a.page(), "a") {
		address, _ := attribute(link, "href")
		if !strings.Contains(address, "://") {
			continue
		}
		rel, _ := attribute(link, "rel")
		assert.Equal(a.t, "noreferrer noopener", rel, address)
		addresses = append(addresses, address)
	}
	return addresses
}

// pictures are those of a page that are not the product's.
func (a answer) pictures() (addresses []string) {
	a.t.Helper()
	for _, picture := range elements(a.page(), "img") {
		if address, _ := attribute(picture, "src"); !strings.HasPrefix(address, "/assets/") {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

func TestPagesSayWhoseAnAppIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	presented(&w.oauth.interaction.Client)
	presented(&w.oauth.device.Client)
	w.asked(false, bye)
	b := w.signedIn()
	links := []string{"https://rota.example.net", "https://rota.example.net/privacy?a=1&b=2", "https://xn--exmple-cua.example:8443/terms"}
	for name, a := range map[string]answer{"consent": b.get(consentPath), "device": b.post("/device", "user_code", userCode)} {
		require.Equal(t, http.StatusOK, a.Code, name)
		assert.Equal(t, links, a.outward(), name)
		for _, part := range []string{"Website rota.example.net", "Privacy policy rota.example.net", "Terms of use xn--exmple-cua.example:8443"} {
			assert.Contains(t, a.text(), part, name)
		}
		assert.NotContains(t, a.text(), "registered by itself", name)
	}
	first := b.get(consentPath)
	require.Len(t, first.pictures(), 1)
	assert.Regexp(t, "^/logo/c{40}\\?v=[0-9a-f]{16}$", first.pictures()[0])
	assert.Contains(t, strings.Split(first.Header().Get("Content-Security-Policy"), "; "), "img-src 'self'")
	assert.Equal(t, first.pictures(), b.post("/device", "user_code", userCode).pictures())
	assert.Equal(t, first.pictures(), b.get(endSession).pictures())
	assert.Empty(t, b.get(endSession).outward())

	w.oauth.interaction.Client.LogoURI += "?2"
	assert.NotEqual(t, first.pictures(), b.get(consentPath).pictures(), "another logo is not that one's")
}

func TestAnAppNobodyHasVettedHasNoLogo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	presented(&w.oauth.interaction.Client)
	w.oauth.interaction.Client.Vetted = false
	w.asked(false, bye)
	b := w.signedIn()
	a := b.get(consentPath + "&language=de")
	assert.Empty(t, a.pictures())
	assert.Len(t, a.outward(), 3)
	assert.Contains(t, a.text(), "niemand hier hat sie geprüft")
	assert.Empty(t, b.get(endSession).pictures())
}

func TestOnlyHTTPSIsLinkedTo(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"http://localhost:3000/", "javascript:alert(1)", "https://", "https://user@example.net/", "//example.net", "data:text/html,x",
		"https://exämple.net/", "https://example.net;x/", "%",
	} {
		w := newWorld(t)
		c := &w.oauth.interaction.Client
		c.ClientURI, c.PolicyURI, c.TermsURI = address, address, address
		assert.Empty(t, w.signedIn().get(consentPath).outward(), address)
	}
}

func TestLogosAreOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	presented(&w.oauth.interaction.Client)
	w.oauth.logo = &oauth.Logo{MIME: "image/png", Data: []byte("\x89PNG")}
	get := func(path string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, origin+path, http.NoBody))
		return recorder
	}
	got := get("/logo/" + strings.Repeat("c", 40) + "?v=1")
	require.Equal(t, http.StatusOK, got.Code)
	assert.Equal(t, "\x89PNG", got.Body.String())
	assert.Equal(t, "image/png", got.Header().Get("Content-Type"))
	assert.Equal(t, "public, max-age=3600", got.Header().Get("Cache-Control"))
	for _, other := range []string{strings.Repeat("d", 40), "x", "%ff"} {
		got := get("/logo/" + other)
		assert.Equal(t, http.StatusNotFound, got.Code)
		assert.NotContains(t, got.Header().Get("Cache-Control"), "public")
	}
}
