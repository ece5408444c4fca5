// Package fetch reads and calls addresses that clients have named: key sets,
// request objects, sector identifiers, logout endpoints. Whoever can register a
// client can name any address, so only those of the public network are reached,
// unless the operator allows others, and nothing may be large, slow or lead
// elsewhere.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// ErrAddress says that an address is not https, or not one to be reached.
var ErrAddress = errors.New("fetch: the address must be https and public")

const (
	// Timeout bounds a whole exchange.
	Timeout = 5 * time.Second
	// MaxBody bounds what is read of an answer, in bytes.
	MaxBody = 128 << 10
	// MaxURL bounds an address, in bytes.
	MaxURL = 2048
	// maxPerHost bounds the exchanges with one site at a time, so that many
	// clients which name one address do not make an attack of it.
	maxPerHost = 8
	// maxIdle bounds the connections that are kept for the next exchange.
	maxIdle = 100
)

// Fetcher makes the requests.
type Fetcher struct {
	client *http.Client
	// plain allows http, to what the operator allows.
	plain bool
}

// New makes a Fetcher that reaches the public network and the allowed ones. If
// loopback is among those, also by http, as in development.
func New(allow []netip.Prefix) *Fetcher {
	var v4, v6 []netip.Prefix
	f := &Fetcher{}
	for _, p := range allow {
		f.plain = f.plain || p.Contains(netip.IPv6Loopback()) || p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guard := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	f.client = &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{ // no proxy: it would resolve names for us
			DialContext:            (&net.Dialer{Timeout: Timeout, Control: guard.Safe}).DialContext,
			TLSHandshakeTimeout:    Timeout,
			ResponseHeaderTimeout:  Timeout,
			MaxResponseHeaderBytes: 16 << 10,
			MaxConnsPerHost:        maxPerHost, MaxIdleConnsPerHost: 2, MaxIdleConns: maxIdle, IdleConnTimeout: 30 * time.Second,
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f
}

// Check is [ErrAddress] if the address is of no form that is reached. Where a
// name leads is found out when it is.
func (f *Fetcher) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > MaxURL || u.Hostname() == "" || u.User != nil || u.Fragment != "" ||
		strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ErrAddress
	}
	if u.Scheme == "https" || u.Scheme == "http" && f.plain {
		return nil
	}
	return ErrAddress
}

// Document is what an address has answered with.
type Document struct {
	Body        []byte
	ContentType string
	Header      http.Header
}

// Get reads the document. Any status but 200 is an error, and so is more than
// [MaxBody].
func (f *Fetcher) Get(ctx context.Context, address, accept string) (Document, error) {
	return f.GetUpTo(ctx, address, accept, MaxBody)
}

// GetUpTo is Get with another bound, in bytes.
func (f *Fetcher) GetUpTo(ctx context.Context, address, accept string, most int64) (Document, error) {
	if err := f.Check(address); err != nil {
		return Document{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return Document{}, ErrAddress
	}
	r.Header.Set("Accept", accept)
	answer, err := f.client.Do(r)
	if err != nil {
		return Document{}, fmt.Errorf("fetch: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return Document{}, fmt.Errorf("fetch: the answer has status %d", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return Document{}, fmt.Errorf("fetch: %w", err)
	}
	if int64(len(body)) > most {
		return Document{}, fmt.Errorf("fetch: the answer has more than %d bytes", most)
	}
	return Document{Body: body, ContentType: answer.Header.Get("Content-Type"), Header: answer.Header}, nil
}

// PostForm sends a form and gives the status of the answer.
func (f *Fetcher) PostForm(ctx context.Context, address string, form url.Values) (int, error) {
	if err := f.Check(address); err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, ErrAddress
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := f.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("fetch: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, MaxBody)) // so that the connection can be used again
	return answer.StatusCode, nil
}
