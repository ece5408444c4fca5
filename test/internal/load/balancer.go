package load

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// probing is how often the balancer asks whether a gateway is ready.
const probing = 100 * time.Millisecond

// Balancer sends each request to one of the gateways that say they are ready, in
// turn, as an ingress does. It keeps connections open between requests. A request
// that could not be sent, as nobody listens, goes to another gateway; one that was
// sent is never sent again.
//
// By connection it does so for connections rather than requests, as a Service of
// Kubernetes does: who has one stays with its gateway until one of the two ends it,
// whether that is ready or not.
type Balancer struct {
	byConnection bool
	backends     []*backend
	next         atomic.Uint64
	pool         *http.Transport
	probe        *http.Transport
	stop         context.CancelFunc
	probing      sync.WaitGroup
}

type backend struct {
	gateway system.Gateway
	host    string
	ready   atomic.Bool
}

// NewBalancer begins to ask whether the gateways are ready. It has to be closed.
func NewBalancer(gateways []system.Gateway, byConnection bool) *Balancer {
	ctx, stop := context.WithCancel(context.Background())
	b := &Balancer{
		byConnection: byConnection,
		// MaxIdleConnsPerHost: the workers are few, and none shall have to connect anew.
		pool: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, DialContext: dialer.DialContext},
		// As of a kubelet: each question is a connection of its own.
		probe: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext},
		stop:  stop,
	}
	if byConnection {
		b.pool.DialContext = b.dial
	}
	for _, g := range gateways {
		origin, err := url.Parse(g.Origin)
		if err != nil {
			panic(err) // the cluster's own text
		}
		one := &backend{gateway: g, host: origin.Host}
		b.backends = append(b.backends, one)
		b.check(ctx, one)
		b.probing.Go(func() { b.follow(ctx, one) })
	}
	return b
}

// Close ends the questions and the connections.
func (b *Balancer) Close() {
	b.stop()
	b.probing.Wait()
	b.pool.CloseIdleConnections()
}

// errNoGateway is what a balancer would answer 503 for.
var errNoGateway = errors.New("no gateway is ready")

var dialer = &net.Dialer{Timeout: time.Second}

// dial connects to a gateway that is ready.
func (b *Balancer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	err := errNoGateway
	for range len(b.backends) {
		one := b.pick()
		if one == nil {
			break
		}
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, network, one.host); err == nil {
			return conn, nil
		}
		one.ready.Store(false) // until it is asked again
	}
	return nil, err
}

// RoundTrip implements http.RoundTripper.
func (b *Balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.byConnection {
		return b.pool.RoundTrip(r)
	}
	err := errNoGateway
	for range len(b.backends) {
		one := b.pick()
		if one == nil {
			break
		}
		var res *http.Response
		res, err = b.pool.RoundTrip(addressed(r, one.host))
		if !notSent(err) {
			return res, err
		}
		one.ready.Store(false) // until it is asked again
		if r.GetBody != nil {
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
	}
	return nil, err
}

// pick is the next gateway that is ready, or nil.
func (b *Balancer) pick() *backend {
	for range len(b.backends) {
		one := b.backends[b.next.Add(1)%uint64(len(b.backends))]
		if one.ready.Load() {
			return one
		}
	}
	return nil
}

// addressed is the request to one gateway; the Host field stays the public one.
func addressed(r *http.Request, host string) *http.Request {
	public := r.URL.Host
	to := r.Clone(r.Context())
	to.URL.Host = host
	if to.Host == "" {
		to.Host = public
	}
	return to
}

func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func (b *Balancer) follow(ctx context.Context, one *backend) {
	again := time.NewTicker(probing)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			b.check(ctx, one)
		}
	}
}

func (b *Balancer) check(ctx context.Context, one *backend) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, one.gateway.Ready, http.NoBody)
	if err != nil {
		panic(err) // the cluster's own text
	}
	res, err := b.probe.RoundTrip(r)
	if err == nil {
		_ = res.Body.Close()
	}
	one.ready.Store(err == nil && res.StatusCode == http.StatusOK)
}
