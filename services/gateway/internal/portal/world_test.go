package portal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/portal"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/sessioncache"
)

const origin = "https://id.example.org"

// catalogue takes a while to read and never changes.
var catalogue = sync.OnceValues(i18n.New)

// world is the pages behind the edge's own chain, in front of doubles of the
// services.
type world struct {
	t        *testing.T
	clock    *clockwork.FakeClock
	accounts *people
	sessions *gatewaytest.Sessions
	oauth    *fakeOAuth
	mail     *gatewaytest.Mail
	handler  http.Handler
}

// newWorld makes a world; adjust may change what the pages are made of.
func newWorld(t *testing.T, adjust ...func(*portal.Deps)) *world {
	t.Helper()
	w := &world{t: t, clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	w.accounts = newPeople(w.clock.Now)
	w.sessions = gatewaytest.NewSessions(w.clock)
	w.oauth = newFakeOAuth()
	w.mail = &gatewaytest.Mail{Messages: letters(w.clock.Now())}
	texts, err := catalogue()
	require.NoError(t, err)
	public, err := url.Parse(origin)
	require.NoError(t, err)
	d := portal.Deps{
		Accounts: w.accounts, OAuth: w.oauth, Mail: w.mail, Texts: texts, Clock: w.clock,
		PublicURL: public, Product: "Gatehouse", SelfRegistration: true, TermsURL: "https://example.org/terms",
	}
	for _, change := range adjust {
		change(&d)
	}
	none := obs.Nop()
	cache := sessioncache.New(sessioncache.Options{
		Sessions: w.sessions, Clock: w.clock, Obs: none, Size: 100, Poll: time.Second,
	})
	d.Edge, err = edge.New(edge.Options{
		Obs: none, Clock: w.clock, Texts: texts, Sessions: cache, PublicURL: d.PublicURL,
		Limits: edge.Limits{Window: time.Minute, User: 1000, Address: 100, OAuthFailures: 100, Authorizations: 100, Registrations: 100, Keys: 100},
	})
	require.NoError(t, err)
	d.Flow = flow.New(flow.Deps{
		Accounts: w.accounts, Sessions: w.sessions, OAuth: w.oauth, Cache: cache, Logger: none.Logger,
	})
	p, err := portal.New(d)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("GET "+portal.LogoPath+"{client}", d.Edge.Pictures(p.Logo(), p.Fail))
	mux.Handle("/", d.Edge.Pages(p.Routes(), p.Fail))
	w.handler = d.Edge.Handler(mux)
	return w
}

func letters(now time.Time) []mail.Message {
	return []mail.Message{
		{
			ID: 2, To: "new@example.org", Subject: "You are invited to <Nordantech>",
			Text: "Hello,\n\nplease follow this link: " + origin + "/link/" + gatewaytest.InvitationLink + ".\n\nIt works once.",
			HTML: `<p style="color: green">Hello</p>`, SentTime: now.Add(-time.Minute),
		},
		{ID: 1, To: gatewaytest.Email, Subject: "Confirm", Text: "<b>bold</b> & more", SentTime: now.Add(-time.Hour)},
	}
}

// browser keeps cookies and sends what browsers send.
type browser struct {
	world    *world
	language string
	cookies  map[string]string
	// site is Sec-Fetch-Site of what it posts.
	site string
}

func (w *world) browser() *browser {
	return &browser{world: w, language: "en", cookies: map[string]string{}, site: "same-origin"}
}

// signedIn is a browser in which the user has signed in.
func (w *world) signedIn() *browser {
	w.t.Helper()
	b := w.browser()
	b.signIn()
	return b
}

func (b *browser) signIn() {
	b.world.t.Helper()
	a := b.post("/login", "user", gatewaytest.Email, "password", gatewaytest.Password)
	require.Equal(b.world.t, http.StatusSeeOther, a.Code)
}

func (b *browser) do(method, path string) answer {
	r := newRequest(method, path)
	r.Header.Set("Sec-Fetch-Site", b.site)
	return b.send(r)
}

func newRequest(method, path string) *http.Request {
	return httptest.NewRequest(method, path, http.NoBody)
}

func (b *browser) get(path string) answer {
	return b.send(newRequest(http.MethodGet, path))
}

// post sends a form of key, value pairs.
func (b *browser) post(path string, fields ...string) answer {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.postBody(path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func (b *browser) postBody(path, contentType string, body io.Reader) answer {
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", b.site)
	return b.send(r)
}

func (b *browser) send(r *http.Request) answer {
	r.Host = "id.example.org"
	r.Header.Set("Accept-Language", b.language)
	for name, value := range b.cookies {
		// SameSite=Lax keeps them from a post of another site.
		if r.Method == http.MethodGet || r.Header.Get("Sec-Fetch-Site") != "cross-site" {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	w := httptest.NewRecorder()
	b.world.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		require.True(b.world.t, c.HttpOnly, c.Name)
		require.Equal(b.world.t, http.SameSiteLaxMode, c.SameSite, c.Name)
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return answer{ResponseRecorder: w, t: b.world.t}
}

// follow goes where the answer says, as long as that is one of our pages.
func (b *browser) follow(a answer) answer {
	for range 10 {
		to := a.Header().Get("Location")
		if a.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/") {
			return a
		}
		a = b.get(to)
	}
	b.world.t.Fatal("too many redirects")
	return a
}

// answer is a response, and its page.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

func (a answer) location() string { return a.Header().Get("Location") }

func (a answer) page() *html.Node {
	a.t.Helper()
	root, err := html.Parse(strings.NewReader(a.Body.String()))
	require.NoError(a.t, err)
	return root
}

// elements are all elements of a name, or of any.
func elements(n *html.Node, name string) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && (name == "" || d.Data == name) {
			found = append(found, d)
		}
	}
	return found
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// withID is the element of that id; nil if there is none.
func withID(n *html.Node, id string) *html.Node {
	all := elements(n, "")
	i := slices.IndexFunc(all, func(e *html.Node) bool { v, _ := attribute(e, "id"); return v == id })
	if i < 0 {
		return nil
	}
	return all[i]
}

// content is the text of an element, with its spaces in order.
func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// title is the document's title, and text the text of its main part.
func (a answer) title() string { a.t.Helper(); return content(elements(a.page(), "title")[0]) }

func (a answer) text() string { a.t.Helper(); return content(elements(a.page(), "main")[0]) }

// field is the value of the input of that name.
func (a answer) field(name string) string {
	a.t.Helper()
	input := withID(a.page(), name)
	require.NotNil(a.t, input, "an input %q", name)
	value, _ := attribute(input, "value")
	return value
}
