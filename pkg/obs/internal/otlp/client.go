// Package otlp sends traces to a collector by OTLP over HTTP, in protobuf.
//
// It does what OpenTelemetry's otlptracehttp does, which brings all of gRPC into
// a program that never uses it: several megabytes of each. What is in here is to
// go when that is over (open-telemetry/opentelemetry-go, issue 2579).
package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// mostTrying bounds the tries to send one batch, where the context of an export does
// not end first: OTEL_BSP_EXPORT_TIMEOUT, half a minute by default.
const mostTrying = time.Minute

// mostAnswer bounds what is read of a collector's answer.
const mostAnswer = 64 << 10

// Client implements otlptrace.Client.
type Client struct {
	settings *settings
	http     *http.Client
	retry    backoff.ExponentialBackOff
	// ended stops what is being sent.
	ended context.Context //nolint:containedctx // the client's own life, which Stop ends
	end   context.CancelFunc
}

// NewClient makes a client of the collector that OTEL_EXPORTER_OTLP_* describe:
// ENDPOINT, HEADERS, TIMEOUT, COMPRESSION, CERTIFICATE, CLIENT_CERTIFICATE and
// CLIENT_KEY, each also with TRACES_ before it. It does not connect.
func NewClient() (*Client, error) {
	s, err := read(os.Getenv)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     s.tls,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	ended, end := context.WithCancel(context.Background())
	return &Client{
		settings: s,
		http: &http.Client{
			Transport: transport, Timeout: s.timeout,
			// A collector does not move; the headers are for nobody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		retry: backoff.ExponentialBackOff{
			InitialInterval: 5 * time.Second, MaxInterval: 30 * time.Second,
			Multiplier: backoff.DefaultMultiplier, RandomizationFactor: backoff.DefaultRandomizationFactor,
		},
		ended: ended, end: end,
	}, nil
}

// Start implements otlptrace.Client.
func (*Client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *Client) Stop(context.Context) error {
	c.end()
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. A collector that is busy, or does not
// answer in time, is asked again until the context ends, or for a minute.
func (c *Client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// On the wire it is the same as an ExportTraceServiceRequest.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("otlp: encoding spans: %w", err)
	}
	if c.settings.gzip {
		body = compress(body)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ended, cancel)() //nolint:contextcheck // whichever of the two ends
	retry := c.retry                           // batches may be sent at the same time
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, c.send(ctx, body) },
		backoff.WithBackOff(&retry), backoff.WithMaxElapsedTime(mostTrying))
	return err
}

// send tries once. Its error is permanent when another try would be no better.
func (c *Client) send(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.settings.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(err)
	}
	for name, values := range c.settings.headers {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	if c.settings.gzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.http.Do(request) // #nosec G704 -- the operator names the collector
	if err != nil {
		if late, ok := errors.AsType[*url.Error](err); ok && late.Timeout() {
			return err
		}
		return backoff.Permanent(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return backoff.Permanent(fmt.Errorf("reading the collector's answer: %w", err))
	}
	return judge(response, answer)
}

// judge makes an error of what the collector did not take.
func judge(response *http.Response, answer []byte) error {
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		err := fmt.Errorf("the collector answers %s", response.Status)
		if wait, parsed := strconv.Atoi(response.Header.Get("Retry-After")); parsed == nil && wait > 0 {
			// More than there is time for is given up at once, however much it is.
			return errors.Join(err, backoff.RetryAfter(min(wait, 2*int(mostTrying.Seconds()))))
		}
		return err
	}
	if response.StatusCode/100 != 2 {
		return backoff.Permanent(fmt.Errorf("the collector answers %s: %q", response.Status, answer[:min(len(answer), 200)]))
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/x-protobuf") {
		return nil
	}
	// ExportTraceServiceResponse.partial_success: rejected_spans and error_message.
	partial := field(answer, 1)
	rejected, _ := protowire.ConsumeVarint(field(partial, 1))
	if message := field(partial, 2); rejected > 0 || len(message) > 0 {
		return backoff.Permanent(fmt.Errorf("the collector rejects %d spans: %q", rejected, message))
	}
	return nil
}

// field is what a message has in the field of that number: a string's or message's
// content, or a number as it is encoded. Nil stands for nothing, and for nonsense.
func field(message []byte, wanted protowire.Number) []byte {
	for len(message) > 0 {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return nil
		}
		size := protowire.ConsumeFieldValue(number, kind, message[tag:])
		if size < 0 {
			return nil
		}
		value := message[tag : tag+size]
		if number == wanted && kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if number == wanted {
			return value
		}
		message = message[tag+size:]
	}
	return nil
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
