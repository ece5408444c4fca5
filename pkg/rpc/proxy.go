package rpc

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// Proxy passes requests on to the plain HTTP handlers of a service in another
// process.
type Proxy struct {
	options    DialOptions
	transport  *http.Transport
	endpointer *sd.DefaultEndpointer
	balancer   lb.Balancer
	proxy      *httputil.ReverseProxy
}

// NewProxy makes a Proxy that balances over the instances of the service. A
// request that an instance has not seen goes to another one, and so does a GET
// whose answer was lost; any other failed request is not tried again: its caller
// may, if it is safe to.
func NewProxy(o DialOptions) *Proxy {
	p := &Proxy{options: o, transport: newTransport(o)}
	p.endpointer = o.endpointer(p.instance)
	p.balancer = lb.NewRoundRobin(p.endpointer)
	p.proxy = &httputil.ReverseProxy{Transport: carrier{p}, Rewrite: p.rewrite, ErrorHandler: p.fail}
	return p
}

// Close lets go of the connections.
func (p *Proxy) Close() error {
	p.endpointer.Close()
	p.transport.CloseIdleConnections()
	return nil
}

// ServeHTTP answers 503 with an RFC 6749 error when no instance can be reached.
// Its span names the path alone: a client may have put secrets into the query.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, span := p.options.Obs.Tracer.Tracer(tracerName).Start(r.Context(), p.options.Service+" "+r.URL.Path,
		trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	p.proxy.ServeHTTP(w, rewindable(r.WithContext(ctx)))
}

// maxRewound bounds the body of a request that can be sent again, in bytes. The
// forms of OAuth are much shorter.
const maxRewound = 64 << 10

// rewindable keeps a short body, so that the request can be sent to another
// instance, or on another connection where one is being closed.
func rewindable(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return r
	}
	body, rest := r.Body, io.Reader(r.Body)
	head, err := io.ReadAll(io.LimitReader(body, maxRewound+1))
	switch {
	case err != nil:
		rest = failing{err} // as if it had been read later
	case len(head) <= maxRewound:
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil }
		r.Body, _ = r.GetBody() // never fails
		return r
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), body}
	return r
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// instance is an endpoint that only tells where the instance is.
func (p *Proxy) instance(address string) (endpoint.Endpoint, io.Closer, error) {
	target := p.options.origin(address)
	return func(context.Context, any) (any, error) { return target, nil }, nil, nil
}

func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	r.Out.GetBody = r.In.GetBody
	// By these, Go's transport would repeat a POST by itself. That is not for clients to say.
	r.Out.Header.Del("Idempotency-Key")
	r.Out.Header.Del("X-Idempotency-Key")
	r.Out.Host = r.In.Host
	r.Out.Header.Set(headerRequestID, obs.RequestID(r.In.Context()))
	p.options.Obs.Propagator.Inject(r.In.Context(), propagation.HeaderCarrier(r.Out.Header))
	r.Out.Header.Del(headerCaller)
	if p.options.TLS == nil {
		r.Out.Header.Set(headerCaller, p.options.Caller)
	}
}

// carrier sends a request to one instance after the other, until there is an
// answer or one of them may have seen it.
type carrier struct{ *Proxy }

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	for n := 1; ; n++ {
		next, err := c.balancer.Endpoint()
		if err != nil {
			return nil, err
		}
		target, err := next(r.Context(), nil)
		if err != nil {
			return nil, err
		}
		to := r.Clone(r.Context())
		if u, ok := target.(*url.URL); ok {
			to.URL.Scheme, to.URL.Host = u.Scheme, u.Host
		}
		if r.GetBody != nil {
			if to.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		res, err := c.transport.RoundTrip(to)
		if err == nil || n == maxTries || r.Context().Err() != nil || !repeatable(r, err) {
			return res, err
		}
	}
}

// repeatable tells whether it does no harm to send a request again that failed so.
func repeatable(r *http.Request, err error) bool {
	whole := r.GetBody != nil || r.Body == nil || r.Body == http.NoBody
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	return whole && (safe || notSent(err))
}

func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	p.options.Obs.Logger.LogAttrs(r.Context(), slog.LevelWarn, "proxying failed",
		slog.String("service", p.options.Service), slog.String("error", err.Error()))
	unavailable(w)
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"error":"temporarily_unavailable"}`+"\n")
}
