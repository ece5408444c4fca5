package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// DefaultTimeout bounds a call whose route names no timeout of its own.
const DefaultTimeout = 5 * time.Second

// maxBody bounds requests and responses between services, in bytes.
const maxBody = 8 << 20

// Route is one remote method: its name, its types and how it may be retried.
type Route[Req, Res any] struct {
	Service string
	Method  string
	// Callers names the services that may call the method: a service that is
	// broken into must not be able to do what it never needs. See also
	// ServerOptions.
	Callers []string
	// Idempotent methods are tried again on another instance when the first
	// one could not be reached or broke off. All others are tried again only
	// when it is certain that nothing was sent.
	Idempotent bool
	// Timeout bounds the whole call with its retries; DefaultTimeout if zero.
	Timeout time.Duration
}

// spec is a Route without its types, as the transports need it.
type spec struct {
	service, method string
	callers         []string
	idempotent      bool
	timeout         time.Duration
	decodeRequest   func(io.Reader) (any, error)
	decodeResponse  func(io.Reader) (any, error)
}

func (s *spec) path() string { return "/rpc/" + s.service + "/" + s.method }

func (s *spec) name() string { return s.service + "." + s.method }

func (r Route[Req, Res]) spec() *spec {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &spec{
		service: r.Service, method: r.Method, callers: r.Callers, idempotent: r.Idempotent, timeout: timeout,
		decodeRequest:  decode[Req],
		decodeResponse: decode[Res],
	}
}

// Conn reaches one service, in another process or in this one.
type Conn interface {
	endpoint(s *spec) endpoint.Endpoint
	// Close lets go of the connections; calls after it fail as Unavailable.
	Close() error
}

// Handle mounts fn as the implementation of the route.
func Handle[Req, Res any](s *Server, r Route[Req, Res], fn func(context.Context, Req) (Res, error)) {
	s.mount(r.spec(), func(ctx context.Context, request any) (any, error) {
		req, ok := request.(Req)
		if !ok {
			return nil, fmt.Errorf("rpc: %s.%s got a %T", r.Service, r.Method, request)
		}
		return fn(ctx, req)
	})
}

// Call calls the route's method. Every error it returns is a *fault.Fault.
func Call[Req, Res any](ctx context.Context, c Conn, r Route[Req, Res], req Req) (Res, error) {
	var zero Res
	s := r.spec()
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()

	response, err := c.endpoint(s)(ctx, req)
	if err != nil {
		return zero, fault.From(err)
	}
	res, ok := response.(Res)
	if !ok {
		return zero, fault.From(fmt.Errorf("rpc: %s answered a %T", s.name(), response))
	}
	return res, nil
}

func decode[T any](r io.Reader) (any, error) {
	var v T
	if err := json.NewDecoder(io.LimitReader(r, maxBody)).Decode(&v); err != nil {
		return nil, fmt.Errorf("decoding a %T: %w", v, err)
	}
	return v, nil
}
