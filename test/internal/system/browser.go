package system

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"
)

// Browser is a browser without JavaScript: it keeps cookies, follows redirects
// and sends the forms of pages.
type Browser struct {
	t      testing.TB
	client *http.Client
	// stop is the origin of an app that is not there: a redirect to it ends the
	// journey, with the address in Arrived.
	stop    string
	Arrived *url.URL
	Page    *goquery.Document
	Status  int
	URL     *url.URL
}

// NewBrowser opens a fresh browser; stop is the origin of the app under test.
func NewBrowser(t testing.TB, stop string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := HTTP()
	client.Jar = jar
	return BrowserOf(t, client, stop)
}

// BrowserOf is a browser that uses the client, and that has its cookies.
func BrowserOf(t testing.TB, client *http.Client, stop string) *Browser {
	t.Helper()
	own := *client
	b := &Browser{t: t, client: &own, stop: stop}
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if stop != "" && strings.HasPrefix(r.URL.String(), stop) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

// Open goes to an address.
func (b *Browser) Open(address string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(b.t, err)
	b.do(r)
}

// Submit fills in the page's form whose action contains the word and sends it,
// as if by its first button, or by the one of the given name and value.
func (b *Browser) Submit(action string, fields url.Values) {
	b.t.Helper()
	form := b.form(action)
	require.Equal(b.t, 1, form.Length(), "no form for %q on %s: %s", action, b.URL, b.Page.Text())
	values := filled(form)
	for name, value := range fields {
		values[name] = value
	}
	to, _ := form.Attr("action")
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.resolve(to).String(), strings.NewReader(values.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.URL.Scheme+"://"+b.URL.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	b.do(r)
}

// Has tells whether the page has such a form as Submit would send.
func (b *Browser) Has(action string) bool { return b.form(action).Length() == 1 }

// Posts is where the page's first form goes, and with what in it: an answer to
// an app by form_post, which the browser does not send by itself.
func (b *Browser) Posts() (action string, fields map[string]string) {
	form := b.Page.Find("form").First()
	to, _ := form.Attr("action")
	fields = map[string]string{}
	for name, values := range filled(form) {
		fields[name] = values[0]
	}
	return b.resolve(to).String(), fields
}

func (b *Browser) form(action string) *goquery.Selection {
	return b.Page.Find("form").FilterFunction(func(_ int, f *goquery.Selection) bool {
		to, _ := f.Attr("action")
		method, _ := f.Attr("method")
		return strings.EqualFold(method, "post") && strings.Contains(b.resolve(to).Path, action)
	}).First()
}

// filled is what a form says before anybody changes it.
func filled(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		name, _ := input.Attr("name")
		value, _ := input.Attr("value")
		switch kind, _ := input.Attr("type"); kind {
		case "submit", "checkbox":
		default:
			values.Set(name, value)
		}
	})
	return values
}

func (b *Browser) resolve(reference string) *url.URL {
	b.t.Helper()
	u, err := b.URL.Parse(reference)
	require.NoError(b.t, err)
	return u
}

func (b *Browser) do(r *http.Request) {
	b.t.Helper()
	res, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = res.Body.Close() }()
	b.Status, b.URL, b.Arrived = res.StatusCode, res.Request.URL, nil
	if to := res.Header.Get("Location"); to != "" {
		b.Arrived, err = url.Parse(to)
		require.NoError(b.t, err)
	}
	body, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	b.Page, err = goquery.NewDocumentFromReader(strings.NewReader(string(body)))
	require.NoError(b.t, err)
}
