package rpc

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	"github.com/go-kit/log"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// HandleHTTP mounts a plain HTTP handler behind the list of callers, for
// protocols that are HTTP themselves. The pattern is http.ServeMux's.
func (s *Server) HandleHTTP(pattern string, h http.Handler) {
	remote := instrumented(s.options.Obs, s.options.Obs.Propagator, h)
	// In this process the context carries the parent span; what the headers
	// say comes from the browser and must not replace it.
	local := instrumented(s.options.Obs, propagation.NewCompositeTextMapPropagator(), h)
	s.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, next, caller := r.Context(), local, Caller(r.Context())
		if caller == "" {
			caller, next = s.callerOf(r), remote
			ctx = obs.WithRequestID(withCaller(ctx, caller), r.Header.Get(headerRequestID))
		}
		if !allowed(s.options.Callers, caller) {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	}))
}

// LocalHTTP reaches what HandleHTTP mounted from within this process.
func (s *Server) LocalHTTP(caller string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mux.ServeHTTP(w, r.WithContext(withCaller(r.Context(), caller)))
	})
}

// instrumented opens a span around h, named by method and path: the paths
// mounted this way are fixed.
func instrumented(o *obs.Obs, p propagation.TextMapPropagator, h http.Handler) http.Handler {
	return otelhttp.NewHandler(h, "http",
		otelhttp.WithTracerProvider(o.Tracer), otelhttp.WithPropagators(p),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
}

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
// failed request is not tried again: its caller may, if it is safe to.
func NewProxy(o DialOptions) *Proxy {
	p := &Proxy{options: o, transport: newTransport(o)}
	p.endpointer = sd.NewEndpointer(o.Instancer, p.instance, log.NewNopLogger())
	p.balancer = lb.NewRoundRobin(p.endpointer)
	p.proxy = &httputil.ReverseProxy{Transport: p.transport, Rewrite: p.rewrite, ErrorHandler: p.fail}
	return p
}

// Close lets go of the connections.
func (p *Proxy) Close() error {
	p.endpointer.Close()
	p.transport.CloseIdleConnections()
	return nil
}

type targetKey struct{}

// ServeHTTP answers 503 with an RFC 6749 error when no instance can be reached.
// Its span names the path alone: a client may have put secrets into the query.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, span := p.options.Obs.Tracer.Tracer(tracerName).Start(r.Context(), p.options.Service+" "+r.URL.Path,
		trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	e, err := p.balancer.Endpoint()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	target, err := e(ctx, nil)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.proxy.ServeHTTP(w, r.WithContext(context.WithValue(ctx, targetKey{}, target)))
}

// instance is an endpoint that only tells where the instance is.
func (p *Proxy) instance(address string) (endpoint.Endpoint, io.Closer, error) {
	target := p.options.origin(address)
	return func(context.Context, any) (any, error) { return target, nil }, nil, nil
}

func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	if target, ok := r.In.Context().Value(targetKey{}).(*url.URL); ok {
		r.SetURL(target)
	}
	r.Out.Host = r.In.Host
	r.Out.Header.Set(headerRequestID, obs.RequestID(r.In.Context()))
	p.options.Obs.Propagator.Inject(r.In.Context(), propagation.HeaderCarrier(r.Out.Header))
	r.Out.Header.Del(headerCaller)
	if p.options.TLS == nil {
		r.Out.Header.Set(headerCaller, p.options.Caller)
	}
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
