// Package sms hands short messages to a gateway over HTTP.
//
// The gateway is one URL that takes
//
//	POST / HTTP/1.1
//	Authorization: Bearer TOKEN
//	Content-Type: application/json
//	Idempotency-Key: 3f0c…
//
//	{"to": "+4915123456789", "from": "Gatehouse", "text": "…", "id": "3f0c…"}
//
// and answers 2xx once the message is its own. The id does not change from one
// try to the next, so the gateway can tell a repetition, which happens when a
// connection or this process breaks before its answer is noted.
//
// A 4xx answer other than 408 and 429 is about the message and [Permanent].
// Everything else may be different next time. No error repeats what the gateway
// said: gateways like to quote numbers and texts.
package sms

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const (
	tracerName = "github.com/gatehouse-id/gatehouse/services/mail/internal/sms"
	// Timeout bounds one delivery, from the connection to the answer.
	Timeout = 10 * time.Second
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 64 << 10
)

// Options describe the gateway.
type Options struct {
	URL    string // see Check
	Token  string
	Sender string // a name or a number; empty: the gateway's own
	Tracer trace.TracerProvider
}

// Message is one short message.
type Message struct {
	Key  string // names the message, for its id
	To   string // E.164
	Text string
}

// Gateway takes our short messages.
type Gateway struct {
	options Options
	host    string
	client  *http.Client
	tracer  trace.Tracer
}

// New makes a Gateway. It does not connect.
func New(o Options) (*Gateway, error) {
	if err := Check(o.URL); err != nil {
		return nil, err
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errURL
	}
	return &Gateway{
		options: o, host: u.Hostname(), tracer: o.Tracer.Tracer(tracerName),
		client: &http.Client{
			Timeout: Timeout,
			// The token and the number are for this URL, and not for where it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:             http.ProxyFromEnvironment,
				DialContext:       (&net.Dialer{Timeout: Timeout / 2}).DialContext,
				DisableKeepAlives: true, // messages are rare
				ForceAttemptHTTP2: true,
			},
		},
	}, nil
}

var errURL = errors.New("must be an https URL, or an http one of this machine, without a user and a fragment")

// Check tells what is wrong with the URL of a gateway.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errURL // whose text, unlike err's, does not repeat the URL
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errURL
	}
	return nil
}

// ID is that of the message with the key, the same at every try.
func ID(key string) string {
	sum := sha256.Sum256([]byte("gatehouse sms id\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// Send delivers one message. It returns nil if the gateway took it; see the
// package on other outcomes.
func (g *Gateway) Send(ctx context.Context, m Message) error {
	ctx, span := g.tracer.Start(ctx, "sms.send", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", http.MethodPost),
		attribute.String("server.address", g.host),
	))
	defer span.End()
	err := g.send(ctx, m)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

func (g *Gateway) send(ctx context.Context, m Message) error {
	id := ID(m.Key)
	body, err := json.Marshal(struct {
		To   string `json:"to"`
		From string `json:"from"`
		Text string `json:"text"`
		ID   string `json:"id"`
	}{m.To, g.options.Sender, m.Text, id})
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.options.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("sms: the request: %w", withoutURL(err))
	}
	r.Header.Set("Authorization", "Bearer "+g.options.Token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", id)

	answer, err := g.client.Do(r)
	if err != nil {
		return fmt.Errorf("sms: %w", withoutURL(err))
	}
	defer func() { _ = answer.Body.Close() }()                         // it is read, or of no interest
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // the status says it all
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return &Failure{Status: answer.StatusCode, RetryAfter: retryAfter(answer.Header), id: id}
}

// withoutURL is the error of a request without its URL, which may hold a key.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// retryAfter reads the header's number of seconds (RFC 9110 section 10.2.3). Its
// other form, a date, is for pages under maintenance.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Failure is an answer of the gateway that is not 2xx.
type Failure struct {
	Status int
	// RetryAfter is what the gateway asks to wait, zero if it says nothing.
	RetryAfter time.Duration

	id string
}

// Error names the status, and the id to look for in the gateway's records.
func (f *Failure) Error() string {
	return fmt.Sprintf("sms: the gateway answered %d %s to message %s", f.Status, http.StatusText(f.Status), f.id)
}

// Permanent tells whether err is an answer that will not change.
func Permanent(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Status/100 == 4 && f.Status != http.StatusRequestTimeout && f.Status != http.StatusTooManyRequests
}
