package rpc

import (
	"context"
	"errors"
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
// process, balanced over its instances. A failed request is not tried again.
func Proxy(o DialOptions) http.Handler {
	c, _ := Dial(o).(*remoteConn)
	balancer := lb.NewRoundRobin(sd.NewEndpointer(o.Instancer, c.target, log.NewNopLogger()))
	proxy := &httputil.ReverseProxy{
		Transport: otelhttp.NewTransport(c.transport,
			otelhttp.WithTracerProvider(o.Obs.Tracer), otelhttp.WithPropagators(o.Obs.Propagator)),
		Rewrite: func(p *httputil.ProxyRequest) {
			target, _ := p.In.Context().Value(targetKey{}).(*url.URL)
			p.SetURL(target)
			p.Out.Host = p.In.Host
			p.Out.Header.Set(headerRequestID, obs.RequestID(p.In.Context()))
			p.Out.Header.Del(headerCaller)
			if o.TLS == nil {
				p.Out.Header.Set(headerCaller, o.Caller)
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			o.Obs.Logger.LogAttrs(r.Context(), slog.LevelWarn, "proxying failed",
				slog.String("service", o.Service), slog.String("error", err.Error()))
			unavailable(w)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := balancer.Endpoint()
		if err != nil {
			proxy.ErrorHandler(w, r, err)
			return
		}
		target, err := e(r.Context(), nil)
		if err != nil {
			proxy.ErrorHandler(w, r, err)
			return
		}
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, target)))
	})
}

type targetKey struct{}

// target is an endpoint that only tells where the instance is.
func (c *remoteConn) target(address string) (endpoint.Endpoint, io.Closer, error) {
	scheme := "https"
	if c.options.TLS == nil {
		scheme = "http"
	}
	if address == "" {
		return nil, nil, errors.New("an instance without an address")
	}
	target := &url.URL{Scheme: scheme, Host: address}
	return func(context.Context, any) (any, error) { return target, nil }, nil, nil
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"error":"temporarily_unavailable"}`+"\n")
}
