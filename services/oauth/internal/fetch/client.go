package fetch

import (
	"fmt"
	"io"
	"net/http"
)

// Client makes the same requests for libraries that make their own: to no other
// address, and no answer is longer than [MaxBody].
func (f *Fetcher) Client() *http.Client {
	c := *f.client
	c.Transport = Bounded(checked{f, c.Transport})
	return &c
}

// checked refuses addresses before anything is sent to them.
type checked struct {
	fetcher *Fetcher
	next    http.RoundTripper
}

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := c.fetcher.Check(r.URL.String()); err != nil {
		return nil, err
	}
	return c.next.RoundTrip(r)
}

// Bounded is a transport that fails at the end of the first [MaxBody] bytes of an
// answer if there are more.
func Bounded(next http.RoundTripper) http.RoundTripper { return bounded{next} }

type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &boundedBody{ReadCloser: answer.Body, left: MaxBody}
	return answer, nil
}

type boundedBody struct {
	io.ReadCloser

	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if n > b.left {
		return b.left, fmt.Errorf("fetch: the answer has more than %d bytes", MaxBody)
	}
	b.left -= n
	return n, err
}
