package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/go-kit/kit/circuitbreaker"
	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	kithttp "github.com/go-kit/kit/transport/http"
	"github.com/go-kit/log"
	"github.com/sony/gobreaker"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
)

// maxTries bounds how often a call is sent, over all instances.
const maxTries = 3

// How long nothing has to be heard on a connection until its other end is asked
// whether it is there, and how long that may think. The two and a try more are less
// than DefaultTimeout.
const (
	silence  = time.Second
	patience = 2 * time.Second
)

// DialOptions configure a Conn to another process.
type DialOptions struct {
	Service   string
	Instancer sd.Instancer
	// TLS proves who we are and checks who answers; nil speaks plaintext.
	TLS *tls.Config
	// Caller is our own service's name, which plaintext peers have to believe.
	Caller string
	Obs    *obs.Obs
}

// Dial makes a Conn that balances calls over the instances of a service: at once
// over those that are known. It does not wait for one to appear: until then calls
// are Unavailable.
func Dial(o DialOptions) Conn {
	transport := newTransport(o)
	c := &remoteConn{
		options: o, transport: transport,
		client:  &http.Client{Transport: transport, Timeout: 30 * time.Second},
		metrics: newMetrics(o.Obs.Registry, "client"),
	}
	c.endpointer = o.endpointer(c.instance)
	c.balancer = lb.NewRoundRobin(c.endpointer)
	return c
}

// endpointer has an endpoint for each instance, at once for those that are known.
func (o DialOptions) endpointer(instance sd.Factory) *sd.DefaultEndpointer {
	return sd.NewEndpointer(settled{o.Instancer}, instance, log.NewNopLogger())
}

// settled returns from Register only when what the instancer knows by then has been
// taken in. go-kit's endpointer does that in a goroutine of its own, and until then
// says that there is no instance: a first call would be refused. It takes a second
// event when it is done with the first, and one that is an error changes nothing.
type settled struct{ sd.Instancer }

func (s settled) Register(ch chan<- sd.Event) {
	s.Instancer.Register(ch)
	ch <- sd.Event{Err: errors.New("rpc: no news")}
}

func newTransport(o DialOptions) *http.Transport {
	return &http.Transport{
		TLSClientConfig:       o.TLS,
		ForceAttemptHTTP2:     true,
		DialContext:           (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   2 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   64,
		// A connection whose other end is gone without a word, or does nothing any more,
		// is given up, and calls on it end, soon enough to try another instance. TCP
		// alone would take a quarter of an hour.
		HTTP2: &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: patience},
	}
}

// origin is the URL of an instance.
func (o DialOptions) origin(address string) *url.URL {
	if o.TLS == nil {
		return &url.URL{Scheme: "http", Host: address}
	}
	return &url.URL{Scheme: "https", Host: address}
}

type remoteConn struct {
	options    DialOptions
	transport  *http.Transport
	client     *http.Client
	endpointer *sd.DefaultEndpointer
	balancer   lb.Balancer
	metrics    *metrics
}

func (c *remoteConn) Close() error {
	c.endpointer.Close()
	c.transport.CloseIdleConnections()
	return nil
}

// endpoint tries instances until one answers. An answer that is a fault is an
// answer; only failures to get one are tried again.
func (c *remoteConn) endpoint(s *spec) endpoint.Endpoint {
	one := &tries{spec: s}
	try := lb.RetryWithCallback(s.timeout, c.balancer, one.again)
	call := func(ctx context.Context, request any) (any, error) {
		start := time.Now()
		response, err := try(context.WithValue(ctx, triesKey{}, one), request)
		if err != nil {
			err = final(err)
		}
		c.metrics.observe(ctx, s, start, err)
		return response, err
	}
	return traced(c.options.Obs, s, trace.SpanKindClient)(call)
}

// tries are those of one call.
type tries struct {
	*spec

	mu    sync.Mutex
	made  int
	where map[string]bool // the instances that were tried
}

type triesKey struct{}

func triesOf(ctx context.Context) *tries {
	one, _ := ctx.Value(triesKey{}).(*tries)
	return one
}

// errTried passes over an instance that has been tried, as there are others.
var errTried = transportError{errors.New("rpc: this instance has been tried")}

// maxPassed bounds how often the balancer may offer one that has been tried.
const maxPassed = 30

func (t *tries) again(n int, err error) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, errTried) {
		return n < maxPassed, nil
	}
	return t.made < maxTries && !errors.Is(err, lb.ErrNoEndpoints) && (notSent(err) || t.idempotent && isTransport(err)), nil
}

// begin notes a try at the address. It says false where another of the instances
// is better.
func (t *tries) begin(address string, instances int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.where[address] && len(t.where) < instances {
		return false
	}
	if t.where == nil {
		t.where = map[string]bool{}
	}
	t.where[address] = true
	t.made++
	return true
}

// final is the error that ended the tries, as a fault.
func final(err error) error {
	var retry lb.RetryError
	if errors.As(err, &retry) {
		err = retry.Final
	}
	if isTransport(err) || errors.Is(err, lb.ErrNoEndpoints) {
		return fault.New(fault.Unavailable, "").Because(err)
	}
	return fault.From(err)
}

// instance makes the endpoint of one instance, with a breaker of its own so
// that a sick one does not silence its neighbours.
func (c *remoteConn) instance(address string) (endpoint.Endpoint, io.Closer, error) {
	breaker := circuitbreaker.Gobreaker(gobreaker.NewCircuitBreaker(gobreaker.Settings{
		Name:        c.options.Service + "@" + address,
		Timeout:     2 * time.Second,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= 5 },
		IsSuccessful: func(err error) bool {
			return !isTransport(err) || errors.Is(err, context.Canceled) || errors.Is(err, errUnknownMethod)
		},
	}))
	client := kithttp.NewExplicitClient(c.request(address), c.response, kithttp.SetClient(c.client))
	return c.elsewhere(address, breaker(markTransport(client.Endpoint()))), nil, nil
}

// elsewhere leaves it to other instances to try again what has failed at this one.
func (c *remoteConn) elsewhere(address string, next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		if known, err := c.endpointer.Endpoints(); err == nil && !triesOf(ctx).begin(address, len(known)) {
			return nil, errTried
		}
		return next(ctx, request)
	}
}

func (c *remoteConn) request(address string) kithttp.CreateRequestFunc {
	origin := c.options.origin(address)
	return func(ctx context.Context, request any) (*http.Request, error) {
		s := triesOf(ctx)
		body, err := json.Marshal(request)
		if err != nil {
			return nil, fault.From(fmt.Errorf("encoding a %T: %w", request, err))
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, origin.String()+s.path(), bytes.NewReader(body))
		if err != nil {
			return nil, fault.From(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(headerRequestID, obs.RequestID(ctx))
		if c.options.TLS == nil {
			r.Header.Set(headerCaller, c.options.Caller)
		}
		if deadline, ok := ctx.Deadline(); ok {
			r.Header.Set(headerTimeout, strconv.FormatInt(max(time.Until(deadline).Milliseconds(), 1), 10))
		}
		c.options.Obs.Propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
		return r, nil
	}
}

// response reads the answer. A status alone says nothing: a fault is one only
// if it is marked, and whatever else is not 200 came from something between.
func (c *remoteConn) response(ctx context.Context, r *http.Response) (any, error) {
	if r.Header.Get(headerFault) != "" {
		var f fault.Fault
		if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&f); err != nil {
			return nil, fmt.Errorf("decoding a fault: %w", err)
		}
		return nil, &f
	}
	if r.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", c.options.Service, errUnknownMethod)
	}
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered status %d", c.options.Service, r.StatusCode)
	}
	return triesOf(ctx).decodeResponse(r.Body)
}

// errUnknownMethod is the answer of an instance that is of an earlier version. It
// is well otherwise, so its breaker does not count it, or whoever could cause such calls
// during an upgrade could cut it off.
var errUnknownMethod = errors.New("the instance does not know the method")

// transportError is a failure to get an answer, as opposed to a fault.
type transportError struct{ error }

func (e transportError) Unwrap() error { return e.error }

func markTransport(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		response, err := next(ctx, request)
		var f *fault.Fault
		if err == nil || errors.As(err, &f) {
			return response, err
		}
		return nil, transportError{err}
	}
}

func isTransport(err error) bool {
	var t transportError
	return errors.As(err, &t) || breakerOpen(err)
}

func breakerOpen(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

// notSent is certain that no instance has begun the call.
func notSent(err error) bool {
	var op *net.OpError
	var stranger *tls.CertificateVerificationError
	return breakerOpen(err) || errors.Is(err, errUnknownMethod) ||
		errors.As(err, &op) && op.Op == "dial" || errors.As(err, &stranger) || errors.Is(err, http.ErrSchemeMismatch)
}
