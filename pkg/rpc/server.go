package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-kit/kit/endpoint"
	kithttp "github.com/go-kit/kit/transport/http"
	"go.opentelemetry.io/otel/propagation"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/mtls"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// What travels beside a call.
const (
	headerTimeout   = "Gatehouse-Timeout-Ms" // what is left of the caller's deadline
	headerCaller    = "Gatehouse-Caller"     // believed only where plaintext is allowed
	headerRequestID = "X-Request-Id"
	headerFault     = "Gatehouse-Fault" // marks a response whose body is a fault
)

// ServerOptions configure a Server.
type ServerOptions struct {
	Service string
	// Callers names the services that may reach this one at all, of which each
	// route admits some; anybody else is Forbidden.
	Callers []string
	// Insecure believes the caller's name in a header, for plaintext between
	// services. Without it the name comes from the client certificate.
	Insecure bool
	Obs      *obs.Obs
}

// Server holds the methods of one service and serves them over HTTP.
type Server struct {
	options ServerOptions
	mux     *http.ServeMux
	local   map[string]endpoint.Endpoint
	metrics *metrics
}

// NewServer makes a Server without methods; mount them with Handle.
func NewServer(o ServerOptions) *Server {
	return &Server{
		options: o,
		mux:     http.NewServeMux(),
		local:   map[string]endpoint.Endpoint{},
		metrics: newMetrics(o.Obs.Registry, "server"),
	}
}

// ServeHTTP serves the mounted methods to callers in other processes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Local is a Conn to the methods of this server for a caller in this process.
// Methods have to be mounted before the first call.
func (s *Server) Local(caller string) Conn { return &localConn{server: s, caller: caller} }

func (s *Server) mount(sp *spec, method endpoint.Endpoint) {
	e := endpoint.Chain(
		traceServer(s.options.Obs, sp),
		measure(s.metrics, s.options.Obs.Logger, sp),
		admit(s.options.Callers, sp.callers),
		recoverPanics,
	)(method)
	s.local[sp.name()] = e
	s.mux.Handle("POST "+sp.path(), kithttp.NewServer(e,
		func(_ context.Context, r *http.Request) (any, error) {
			v, err := sp.decodeRequest(r.Body)
			if err != nil {
				return nil, fault.New(fault.Invalid, "fault.malformed").Because(err)
			}
			return v, nil
		},
		encodeResponse,
		kithttp.ServerBefore(s.before),
		kithttp.ServerErrorEncoder(encodeFault),
		kithttp.ServerFinalizer(func(ctx context.Context, _ int, _ *http.Request) { release(ctx) }),
	))
}

// before brings what travelled beside the call into the context.
func (s *Server) before(ctx context.Context, r *http.Request) context.Context {
	ctx = s.options.Obs.Propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	ctx = obs.WithRequestID(ctx, r.Header.Get(headerRequestID))
	ctx = withCaller(ctx, s.callerOf(r))
	if ms, err := strconv.ParseInt(r.Header.Get(headerTimeout), 10, 64); err == nil && ms > 0 {
		ctx = withDeadline(ctx, time.Duration(ms)*time.Millisecond)
	}
	return ctx
}

func (s *Server) callerOf(r *http.Request) string {
	if r.TLS != nil {
		name, _ := mtls.PeerService(r.TLS)
		return name
	}
	if s.options.Insecure {
		return r.Header.Get(headerCaller)
	}
	return ""
}

func encodeResponse(_ context.Context, w http.ResponseWriter, response any) error {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(response); err != nil {
		return fmt.Errorf("encoding a %T: %w", response, err)
	}
	return nil
}

// encodeFault sends the fault whole. The status is for proxies and people who
// look at the wire; callers read the body.
func encodeFault(_ context.Context, err error, w http.ResponseWriter) {
	f := fault.From(err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(headerFault, string(f.Kind))
	w.WriteHeader(wireStatus(f.Kind))
	_ = json.NewEncoder(w).Encode(f) // the caller went away; nothing to tell it
}

func wireStatus(k fault.Kind) int {
	switch k {
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnprocessableEntity
	}
}

// localConn runs a server's chain in the caller's process.
type localConn struct {
	server *Server
	caller string
}

func (c *localConn) endpoint(s *spec) endpoint.Endpoint {
	e, ok := c.server.local[s.name()]
	if !ok {
		return func(context.Context, any) (any, error) {
			return nil, fmt.Errorf("rpc: %s is not mounted", s.name())
		}
	}
	return func(ctx context.Context, request any) (any, error) {
		response, err := e(withCaller(ctx, c.caller), request)
		if err != nil {
			return nil, fault.From(err).Sent()
		}
		return response, nil
	}
}

func (c *localConn) Close() error { return nil }

func allowed(callers []string, name string) bool { return slices.Contains(callers, name) }
